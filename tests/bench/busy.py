"""Designs an hour of the default search's training, on a machine that is quiet and on one that does other work, too.

    python tests/bench/busy.py --out reports/bench

Two modes of the same training are run in turn, design by design: before (one process, a thread a core) and after
(a process a core, one thread each). Each trains for a few steps; a design's whole training is its steps times the
seconds of one. Beside it run nothing, one or two processes that count, or another training with a thread a core.
It takes about twenty minutes on two cores; --steps 1 --draws 1 shows within a few that it runs. A third mode, spin, is
before with threads that sleep soon where they wait for each other, as `vitspace.machine.threads` settles it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd

from vitspace.machine.threads import SPINS

HERE = Path(__file__).resolve()
ANCHORS = ("msg_tiny", "mat_1", "transcnn_small")
SPACES = ("msg", "mat", "transcnn")
MODES = ("before", "spin", "after")
CONDITIONS = ("quiet", "one busy process", "two busy processes", "another training")


class Trainer:
    """A process that trains designs for a few steps when it is told to."""

    def __init__(self, threads, spin=None):
        env = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(HERE.parents[2])}
        env = {name: value for name, value in env.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
        env |= {"GOMP_SPINCOUNT": str(spin)} if spin else {}
        command = [sys.executable, str(HERE), "--child"]
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, spec, steps, seconds):
        self.process.stdin.write(json.dumps([spec.to_json(), steps, seconds]) + "\n")
        self.process.stdin.flush()

    def answer(self):
        """Seconds of a step, [steps]; None where it failed."""
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()


class _EnoughError(Exception):
    """Ends a training after a few steps."""


def child():
    """Train what is asked for on standard input, and answer with the seconds of each step."""
    import torch

    from vitspace.proxies.recipe import parse_proxy
    from vitspace.proxies.short_training import fit
    from vitspace.proxies.shrinking import make_network
    from vitspace.spec import Spec

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    recipe = parse_proxy("tiny", data="fractal")
    data = recipe.load(0)
    recipe = recipe.on(data)
    for line in sys.stdin:
        text, steps, limit = json.loads(line)
        spec, marks = Spec.from_json(text), []

        def on_step(done, total, marks=marks, steps=steps, limit=limit):
            marks.append(time.perf_counter())
            if done > steps or (done > 1 and marks[-1] - marks[0] > limit):
                raise _EnoughError

        torch.manual_seed(0)
        network = make_network(spec, recipe, len(data.classes))
        with suppress(_EnoughError):
            fit(network, recipe, data, torch.Generator().manual_seed(0), on_step)
        print(json.dumps(np.diff(marks).tolist()), flush=True)  # the first step warms up


@contextmanager
def beside(condition):
    """Have other work go on within."""
    busy = [sys.executable, "-c", "while True: pass"]
    count = {"one busy process": 1, "two busy processes": 2}.get(condition, 0)
    others = [subprocess.Popen(busy) for _ in range(count)]
    with ExitStack() as stack:
        for other in others:
            stack.callback(other.kill)
        if condition == "another training":
            from vitspace.families import anchor

            trainer = Trainer(len(os.sched_getaffinity(0)))
            stack.callback(trainer.close)
            trainer.ask(anchor("mat_1").spec, 1, 1e9)
            trainer.answer()  # it is loaded
            trainer.ask(anchor("mat_1").spec, 10**9, 1e9)  # until it is killed
        time.sleep(1)
        yield


def designs(draws):
    """(name, spec) of the anchors, and of so many designs drawn from their spaces."""
    from vitspace.families import anchor
    from vitspace.space import load_space

    found = [(name, anchor(name).spec) for name in ANCHORS]
    for number in range(draws):
        name = SPACES[number % len(SPACES)]
        [spec] = load_space(name).draw(1, seed=number)
        found.append((f"{name} {spec.id}", spec))
    return found


def measure(options):
    from vitspace.proxies.recipe import parse_proxy

    cores = len(os.sched_getaffinity(0))
    steps, rows = parse_proxy("tiny", data="fractal").steps, []
    makers = {
        "before": lambda: [Trainer(cores)],
        "spin": lambda: [Trainer(cores, spin=SPINS)],
        "after": lambda: [Trainer(1, spin=SPINS) for _ in range(cores)],
    }
    modes = {mode: makers[mode]() for mode in options.modes}
    specs = designs(options.draws)
    try:
        for condition in options.conditions:
            with beside(condition):
                for name, spec in specs:
                    for mode, trainers in modes.items():
                        for trainer in trainers:
                            trainer.ask(spec, options.steps, options.seconds)
                        each = [float(np.mean(trainer.answer())) for trainer in trainers]
                        hourly = sum(3600 / (seconds * steps) for seconds in each)
                        facts = {"seconds_per_step": np.mean(each), "designs_per_hour": hourly}
                        rows.append({"condition": condition, "mode": mode, "design": name, **facts})
                        print(f"{condition}, {mode}, {name}: {hourly:.1f} designs an hour", file=sys.stderr)
    finally:
        for trainer in (trainer for trainers in modes.values() for trainer in trainers):
            trainer.close()
    return pd.DataFrame(rows)


def table(rows):
    """Geometric means over the designs, of designs an hour, and the ratio of after to before."""
    logs = rows.assign(log=np.log(rows.designs_per_hour))
    means = np.exp(logs.groupby(["condition", "mode"], sort=False).log.mean()).unstack()
    if {"before", "after"} <= set(means):
        means["after / before"] = means.after / means.before
    for mode in rows["mode"].unique():
        means[f"{mode}, of quiet"] = means[mode] / means[mode].iloc[0]
    return means


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=3, help="Steps that are timed, beside one that warms up.")
    parser.add_argument("--seconds", type=float, default=8.0, help="After which no further step is timed.")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=CONDITIONS)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["before", "after"])
    parser.add_argument("--out", type=Path, default=Path("reports/bench"))
    options = parser.parse_args()
    if options.child:
        child()
        return
    from vitspace.machine.host import machine

    rows = measure(options)
    options.out.mkdir(parents=True, exist_ok=True)
    rows.to_csv(options.out / "busy.csv", index=False, float_format="%.4g")
    facts = machine()
    text = "\n".join(
        [
            f"Designs an hour (geometric means over {rows.design.nunique()} designs) on {facts['cpu']},",
            f"{facts['cores']} cores, torch {facts['torch']}, {facts['date']}: `python {' '.join(sys.argv)}`",
            "",
            table(rows).round(2).to_markdown() if _has_tabulate() else table(rows).round(2).to_string(),
            "",
        ]
    )
    (options.out / "busy.md").write_text(text)
    print(text)


def _has_tabulate():
    from importlib.util import find_spec

    return find_spec("tabulate") is not None


if __name__ == "__main__":
    main()
