"""The same study on several engines: seconds of each, and whether their reports agree.

python tests/bench/engines.py [--engines optuna ray nni] [--trials 20] [--proxy few] [--data digits] [--out FILE]

The space is `ablations/partial-ratios`, the data scikit-learn's digits at 32 pixels, the proxy a training of a few
steps, so that what is seen is the engines. Designs that two engines evaluated are to have the same scores.
`not_evaluating` is the share of time from the first trial's end to the last one's in which no design was evaluated, as
`idle_share` of `vitspace studies show`, but over all processes, since NNI has one a trial. The second seed is left out.
`between_seconds` is the mean from a trial's end to the next one's start, rejected ones among them, from the third on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import pandas as pd

from vitspace.machine.host import machine
from vitspace.searching.idle import share_of, spans_by_process
from vitspace.study.storage import DEFAULT_STORAGE, open_storage
from vitspace.study.store import StudyStore

HERE = Path(__file__).parent
PLUGIN = {
    "METADATA": "Metadata-Version: 2.1\nName: few-steps\nVersion: 1.0\n",
    "entry_points.txt": "[vitspace.proxies]\nfew = few_steps\n",
}


def run(engine: str, cwd: Path, trials: int, proxy: str, data: str) -> dict[str, object]:
    """Run a study in a folder, and return what it printed, its seconds and its report's files."""
    info = cwd / "few_steps-1.0.dist-info"
    info.mkdir()
    for name, text in PLUGIN.items():
        (info / name).write_text(text)
    command = [
        "search",
        "--space",
        "ablations/partial-ratios",
        "--proxy",
        proxy,
        "--data",
        data,
        "--engine",
        engine,
    ]
    command += ["--sampler", "random", "--trials", str(trials), "--workers", "1", "--study", "s", "--json"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(cwd), str(HERE), *sys.path]), "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "vitspace", *command], cwd=cwd, env=env, capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stderr)
    record = json.loads(done.stdout)
    files = sorted(path.name for path in (cwd / "reports" / "s").iterdir())
    return {"engine": engine, "wall": seconds, "files": files, **idle(cwd), **record}


def idle(cwd: Path) -> dict[str, float | None]:
    """Return the share of a study's time that went to no evaluation, and the seconds between two trials."""
    store = StudyStore.load(open_storage(str(cwd / DEFAULT_STORAGE)), "s", designs=False)
    spans = [span for row in spans_by_process(store.frozen()).values() for span in row]
    share = share_of([sorted(spans, key=lambda span: span[1])], store.record().reference.get("spec_id"))
    times = sorted((t.datetime_start, t.datetime_complete) for t in store.frozen() if t.datetime_start)
    gaps = [(start - end).total_seconds() for (_, end), (start, _) in pairwise(times[1:]) if end]
    return {"idle": share, "between": fmean(gaps)}


def row(result: dict, first: dict) -> dict[str, object]:
    """One engine's row, compared with the first engine's."""
    complete = [trial for trial in result["trials"] if trial["state"] == "complete"]
    scores, others = (
        {t["spec_id"]: t["score"] for t in r["trials"] if t["score"] is not None} for r in (result, first)
    )
    both = scores.keys() & others.keys()
    evaluating = sum(trial["seconds"] for trial in result["trials"])
    return {
        "engine": result["engine"],
        "complete": len(complete),
        "trials": len(result["trials"]),
        "anchors": " ".join(str(t["anchor"]) for t in result["trials"] if t["anchor"] and t["state"] == "complete"),
        "same_files": result["files"] == first["files"],
        "designs_of_the_first": len(both),
        "of_these_equal_scores": sum(scores[spec] == others[spec] for spec in both),
        "hypervolume": round(result["hypervolume"], 4),
        "wall_seconds": round(result["wall"], 1),
        "searched_seconds": round(result["seconds"], 1),
        "evaluating_seconds": round(evaluating, 1),
        "not_evaluating": round(result["idle"], 3),
        "between_seconds": round(result["between"], 2),
    }


def main() -> None:
    """Run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", nargs="+", default=["optuna", "ray", "nni"])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--proxy", default="few")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: list[dict] = []
    rows = []
    for engine in options.engines:
        with tempfile.TemporaryDirectory() as folder:
            results.append(run(engine, Path(folder), options.trials, options.proxy, options.data))
        rows.append(row(results[-1], results[0]))
        print(json.dumps(rows[-1]), flush=True)
    print(machine(), file=sys.stderr)
    if options.out:
        pd.DataFrame(rows).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
