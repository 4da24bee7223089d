"""How the hypervolume grew, and how it would have grown by chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitspace.searching.engines import engine_of
from vitspace.study.config import STARTUP
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

#: Orders in which random designs are drawn again, and trials walked through at most for them.
ORDERS, STEPS = 100, 10_000
#: Percentiles of the orders between which the band lies.
BAND = (10, 90)
_GRID = 80

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A hypervolume that grows in steps: ``volume[i]`` holds from ``at[i]`` on."""

    at: Array
    volume: Array


@dataclass(frozen=True)
class Random:
    """The hypervolume of designs drawn at random, over all orders in which they might have come: mean and band."""

    at: Array
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class History:
    """A study's hypervolume over the designs it evaluated, and over the seconds that took.

    Attributes:
        evaluations: Over completed evaluations.
        seconds: Over seconds of evaluation, those of all workers added up, rejected designs included.
        drawn: How many of the study's designs were drawn at random and have a score.
        random: What those reach after the anchors, over evaluations; None where there are fewer than two.
        random_seconds: The same over seconds.
    """

    evaluations: Curve
    seconds: Curve
    drawn: int
    random: Random | None
    random_seconds: Random | None


def history(record: StudyRecord) -> History:
    """Follow a study's hypervolume.

    The random baseline is made of the study's own random draws, those without a score included, whose seconds count:
    `ORDERS` orders of them, each after the anchors that every study begins with. It ends with the last of them, since
    what more draws would have found is not known.
    """
    draws = random_draws(record)
    drawn = sum(trial.complete for trial in draws)
    spent = np.cumsum([0.0, *(trial.seconds for trial in record.trials)])
    ends = [spent[i + 1] for i, trial in enumerate(record.trials) if trial.complete]
    volumes = _growth(record, record.completed, [])
    counted = Curve(np.arange(len(volumes), dtype=float), volumes)
    timed = Curve(np.array([0.0, *ends]), volumes)
    random, random_seconds = _random(record, draws) if drawn > 1 else (None, None)
    return History(counted, timed, drawn, random, random_seconds)


def random_draws(record: StudyRecord) -> list[Trial]:
    """Trials that no sampler proposed and no paper published; all but anchors where the sampler is random."""
    others = [trial for trial in record.trials if not trial.anchor]
    if record.screening or engine_of(record.config.engine).proposes:  # chosen or proposed from the first design on
        return []
    # The study says how many were drawn when it was made; of one that does not, its number of trials tells.
    usual = max(0, min(record.config.trials - (len(record.trials) - len(others)), STARTUP))
    first = int(record.resolved.get("drawn", usual))
    runs = [record.config.sampler, *(run["sampler"] for run in record.resolved.get("resumed", []) if "sampler" in run)]
    return others if set(runs) == {"random"} else others[:first]


def _growth(record: StudyRecord, trials: Sequence[Trial], before: Sequence[Trial]) -> Array:
    """Hypervolume [N + 1] after each of N trials, those before them counted from the start."""
    front, volume = list(before), record.volume(before)
    volumes = [volume]
    for trial in trials:
        if not any(_covers(other, trial) for other in front):
            front = [*(other for other in front if not _covers(trial, other)), trial]
            volume = record.volume(front)
        volumes.append(volume)
    return np.array(volumes)


def _covers(one: Trial, other: Trial) -> bool:
    return all(a <= b for a, b in zip(one.point, other.point, strict=True))


def _random(record: StudyRecord, draws: list[Trial]) -> tuple[Random, Random]:
    rng = np.random.default_rng(0)
    start = sum(trial.seconds for trial in record.trials if trial.anchor)
    grid = np.linspace(start, start + sum(trial.seconds for trial in draws), _GRID)
    volumes, timed = [], []
    for _ in range(max(2, min(ORDERS, STEPS // len(draws)))):
        order = [draws[i] for i in rng.permutation(len(draws))]
        ends = start + np.cumsum([trial.seconds for trial in order])
        ends[-1] = grid[-1]  # sums in another order round differently
        done = np.array([trial.complete for trial in order])
        row = _growth(record, [trial for trial in order if trial.complete], record.anchors)
        volumes.append(row)
        timed.append(row[np.searchsorted(ends[done], grid, side="right")])
    evaluations = len(record.anchors) + np.arange(len(volumes[0]), dtype=float)
    return _summary(evaluations, np.array(volumes)), _summary(grid, np.array(timed))


def _summary(at: Array, volumes: Array) -> Random:
    low, high = np.percentile(volumes, BAND, axis=0)
    return Random(at, volumes.mean(axis=0), low, high)
