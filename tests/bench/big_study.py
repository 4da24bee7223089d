"""Makes a study of 300 trials with 66 on the front, whose numbers are made up, and times what reads or goes on with it.

python tests/bench/big_study.py make --storage big.journal
time python -m vitspace report big --storage big.journal
python tests/bench/big_study.py go-on --storage big.journal

`go-on` prints the CPU seconds that a trial costs beside its evaluation, at the start of a journal and at its end.
"""

import argparse
import math
import random
import time
from dataclasses import replace
from itertools import pairwise

import vitspace
from vitspace.budget import Budget
from vitspace.costs import CONVENTION
from vitspace.machine.host import machine
from vitspace.searching.desk import Desk
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.session import Session
from vitspace.searching.work import work
from vitspace.space import Space, load_space
from vitspace.study.config import StudyConfig
from vitspace.study.storage import batched, open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

NAME = "big"
BUDGET = "1G..5G"
#: Trials in all, those rejected, and those on the front.
TRIALS, REJECTED, FRONT = 300, 60, 66
ANCHORS = ("msg_tiny", "msg_small")
STEPS = 40
#: CPU seconds of this process at the start and the end of each made-up evaluation.
MARKS: list[tuple[float, float]] = []


def create(url: str, space: Space, trials: int) -> StudyStore:
    """Make the study without any trial."""
    config = StudyConfig(accuracy="proxy", space="msg", budget=BUDGET, trials=trials)
    proxy = {"name": "train", "data": "fractal", "img_size": 64, "steps": STEPS, "batch_size": 16}
    resolved = {
        "command": "tests/bench/big_study.py make",
        "machine": machine(),
        "proxy": proxy,
        "space": {"name": "msg", **space.config.model_dump(mode="json", exclude_unset=True), "resolution": 224},
        "convention": CONVENTION,
    }
    return StudyStore.create(open_storage(url), NAME, config, resolved)


def made_up(space: Space, trials: int) -> list[Trial]:
    """Return trials: the anchors, then a share on the front, others dominated by one of these, and rejected ones."""
    dice = random.Random(0)
    anchors = [vitspace.anchor(name) for name in ANCHORS]
    drawn = space.draw(trials - len(anchors), Budget.parse(BUDGET), seed=0)
    front, rejected = trials * FRONT // TRIALS, trials * REJECTED // TRIALS
    found = []
    for number, spec in enumerate([*(row.spec for row in anchors), *drawn]):
        anchor = ANCHORS[number] if number < len(anchors) else None
        on_front = len(anchors) <= number < len(anchors) + front
        lag = 0.0 if on_front else dice.uniform(0.4, 0.8)
        trial = _complete(number, spec, anchor, dice.uniform(14, 90), lag, dice)
        if number >= trials - rejected:
            trial = replace(trial, state="over_budget", score=None, latency_ms=None, why="FLOPs beyond the budget")
        found.append(trial)
    return found


def _complete(number: int, spec, anchor: str | None, ms: float, lag: float, dice: random.Random) -> Trial:
    costs = vitspace.cost(spec)
    # Of trials without a lag none dominates another: the score rises with FLOPs and with latency alone.
    score = -3.0 + 0.15 * math.log(costs.macs / 1e9) + 0.1 * math.log(ms) - lag
    curve = [round(3.4 - (3.4 + score) * step / STEPS + dice.gauss(0, 0.02), 4) for step in range(STEPS)]
    return Trial(
        number,
        "complete",
        spec,
        anchor=anchor,
        params=costs.params,
        macs=costs.macs,
        latency_ms=ms,
        latency={"p10_ms": 0.95 * ms, "p90_ms": 1.1 * ms, "threads": 1, "batch": 1, "backend": "eager"},
        score=score,
        seconds=20.0,
        details={"curve": curve, "accuracy": 0.3, "host": {"host": "made up"}, "run": {"threads": 1}},
    )


def add(store: StudyStore, space: Space, trials: list[Trial]) -> None:
    """Store trials as a search does."""
    for trial in trials:
        params = space.encode(trial.spec)
        store.study.enqueue_trial(params, {"anchor": trial.anchor} if trial.anchor else None)
        running = store.study.ask()
        with batched(store.storage):
            space.choose(lambda v, running=running: running.suggest_categorical(v.name, v.values))
        store.save(running, replace(trial, number=running.number))


def make(url: str, trials: int) -> None:
    """Make the study with its trials."""
    space = load_space("msg")
    store = create(url, space, trials + 100)
    add(store, space, made_up(space, trials))
    reference = {"chance_loss": 3.35, "name": "msg_tiny", "spec_id": vitspace.anchor("msg_tiny").spec.id}
    store.set(
        reference=reference | {"scores": [-2.60, -2.62], "noise": 0.012},
        reference_point=[3.35, 5e9, 90.0],
        seconds=6000.0,
        ready=True,
    )
    record = store.record()
    print(f"{len(record.trials)} trials, {len(record.completed)} complete, {len(record.front)} on the front: {url}")


class _MadeUp(Evaluator):
    """Gives made-up numbers, and keeps the CPU seconds that pass between evaluations."""

    def evaluate(self, number: int, spec, *others, **more) -> Trial:
        start = time.process_time()
        dice = random.Random(number)
        trial = _complete(number, spec, None, dice.uniform(14, 90), dice.uniform(0, 0.4), dice)
        MARKS.append((start, time.process_time()))
        return trial


def go_on(url: str, trials: int, sampler: str) -> None:
    """Evaluate a number of designs of a stored study and print what each costs beside its evaluation."""
    store = StudyStore.open(url, NAME)
    done = len(store.trials())
    total = sum(trial.complete for trial in store.trials()) + trials
    config = store.config.model_copy(update={"trials": total, "sampler": sampler})
    evaluator = _MadeUp(load_space("msg"), config.limits, _Flat(), 0)
    session = Session(store, config, evaluator)
    with Desk(session, session.score) as desk:
        work(desk, session.evaluate)
    seconds = sorted(after[0] - before[1] for before, after in pairwise(MARKS))
    median, most = seconds[len(seconds) // 2], seconds[-1]
    print(f"from trial {done}: {median:.3f} CPU s a trial (median of {len(seconds)}), at most {most:.3f}")


class _Flat:
    """A proxy that is never asked."""

    name, worst, trains, takes_data = "flat", None, False, False

    def describe(self) -> dict:
        """Nothing is known of it."""
        return {}

    def score(self, spec, seed, on_step=None):
        """Give a number that is a little off with each seed."""
        return type("Score", (), {"value": -2.6 - seed / 1e6})


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "go-on"))
    parser.add_argument("--storage", default="big.journal")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--sampler", default="pareto")
    given = parser.parse_args()
    if given.what == "make":
        make(given.storage, given.trials)
    else:
        go_on(given.storage, given.trials, given.sampler)


if __name__ == "__main__":
    main()
