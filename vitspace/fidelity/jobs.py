"""Finds which scores of published designs are known, and measures the others."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from vitspace.costs import cost
from vitspace.errors import InputError, shown
from vitspace.fidelity.curves import keep_curve
from vitspace.fidelity.designs import DesignFilter, PublishedDesign, designs
from vitspace.proxies import (
    COMBINATIONS,
    SCORES,
    Proxy,
    ProxyError,
    ProxyFault,
    kind_of,
    open_proxy,
    part_data,
    rests_on,
    trains,
)
from vitspace.proxies.combinations import combination
from vitspace.proxies.score_tables import ScoreRow, committed_rows, keep, local_rows, new_row
from vitspace.proxies.scores import BASELINES, INITS, Settings, measure

#: The predictor of top-1 from public results, and that with the evidence of proxies; both are judged as proxies are.
PREDICTOR, POSTERIOR = "top1", "posterior"


@dataclass(frozen=True)
class FidelityRequest:
    """Which proxies are judged, and what is measured for that.

    Attributes:
        proxies: Names of scores, combinations or training proxies, ``train:small``; those name the kind of data they
            are trained on, ``train:small,data=cifar10``. None named: every training-free one.
        seeds: Number of seeds, from 0.
        inits: own, common or both.
        fresh: Whether committed scores are ignored, so that only scores of this machine and the present code are known.
        chosen: The designs that are scored.
        data: Data of the training proxies; empty for their default.
        opened_as: By proxy, the name and data with which it is opened.
        predicts: Whether the predictor of top-1 is judged too: no proxy was named, or ``top1`` is.
        updates: Whether the posterior is judged too: no proxy was named, or ``posterior`` is.
        is_general: Whether no proxy was named; the cards of earlier trainings are then included.

    Raises:
        InputError: there is no such proxy or initialisation, or data are given to proxies that do not train.
    """

    proxies: tuple[str, ...] = ()
    seeds: int = 1
    inits: tuple[str, ...] = ("own",)
    fresh: bool = False
    chosen: DesignFilter = field(default_factory=DesignFilter)
    data: str = ""
    opened_as: Mapping[str, tuple[str, str]] = field(default_factory=dict, init=False)
    predicts: bool = field(default=False, init=False)
    updates: bool = field(default=False, init=False)
    is_general: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        named = tuple(name for name in self.proxies if name not in (PREDICTOR, POSTERIOR))
        every_free = (*BASELINES, *(name for name in SCORES if name not in BASELINES), *COMBINATIONS)
        object.__setattr__(self, "predicts", not self.proxies or PREDICTOR in self.proxies)
        object.__setattr__(self, "updates", not self.proxies or POSTERIOR in self.proxies)
        object.__setattr__(self, "is_general", not self.proxies)
        object.__setattr__(self, "proxies", named if self.proxies else every_free)
        for name in self.proxies:
            if kind_of(name).has_rungs:
                raise InputError(
                    "a report card is of one training preset, as train:tiny, and not of "
                    f"{kind_of(name).name}, but got {shown(name)}"
                )
        for init in self.inits:
            if init not in INITS:
                raise InputError(f"init is own, common or both, but got {shown(init)}")
        if self.seeds < 1:
            raise InputError(f"seeds is at least 1, but got {self.seeds}")
        if self.data and not any(kind_of(name).takes_data for name in self.proxies):
            raise InputError(
                f"data belong to a proxy that trains, as train:tiny, but got {shown(self.data)} without one"
            )
        opened_as = dict(map(self._opened_as, self.proxies))
        object.__setattr__(self, "proxies", tuple(opened_as))
        object.__setattr__(self, "opened_as", opened_as)

    def _opened_as(self, given: str) -> tuple[str, tuple[str, str]]:
        """Return the name under which a proxy's scores are kept, and the name and data with which it is opened."""
        kind = kind_of(given)
        if not kind.takes_data:
            return given, (given, "")
        name, data = part_data(given, self.data or None)
        return kind.canonical_name(given, self.data), (name, data or "")

    @property
    def measured(self) -> tuple[str, ...]:
        """The proxies to measure: baselines, scores, components of combinations, and training proxies."""
        parts = [part for name in self.proxies if name in COMBINATIONS for part in combination(name).COMPONENTS]
        named = [name for name in self.proxies if name not in COMBINATIONS]
        return tuple(dict.fromkeys([*BASELINES, *named, *parts]))


@dataclass(frozen=True)
class Job:
    """The scores to measure on one design with one seed and initialisation; ``opened_as`` as in `FidelityRequest`."""

    design: PublishedDesign
    proxies: tuple[str, ...]
    seed: int
    init: str
    device: str = "cpu"
    opened_as: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def known_rows(request: FidelityRequest) -> list[ScoreRow]:
    """Return the known rows: the committed ones, unless the request is fresh, and this machine's."""
    committed = () if request.fresh else committed_rows()
    return list({row.key: row for row in [*local_rows(), *committed]}.values())


def plan(request: FidelityRequest, known: Iterable[ScoreRow], device: str = "cpu") -> list[Job]:
    """Return the jobs that measure the requested scores that are not known.

    Counting baselines come first, on all designs, since all cards need them. Trainings come last, the smallest designs
    first, so that a stopped run has trained as many designs as possible.
    """
    there = {row.key for row in known}
    jobs: list[Job] = []
    for seed in range(request.seeds):
        for init in request.inits:
            for design in designs():
                wanted = [name for name in request.measured if _applies(name, design, seed, init, request.chosen)]
                missing = [n for n in wanted if f"{n} {design.subject.name} {seed} {init}" not in there]
                parts = [tuple(name for name in missing if _rank(name) == rank) for rank in range(3)]
                jobs += [Job(design, part, seed, init, device, request.opened_as) for part in parts if part]
    return sorted(jobs, key=_turn)


def _rank(name: str) -> int:
    return 0 if name in BASELINES else 2 if trains(name) else 1


def _turn(job: Job) -> tuple[int, int]:
    rank = _rank(job.proxies[0])
    return rank, cost(job.design.spec).macs if rank == 2 and job.design.spec else 0


def run(job: Job) -> list[ScoreRow]:
    """Measure a job's scores, and store them on this machine."""
    scores = [name for name in job.proxies if name in SCORES]
    settings = Settings(seed=job.seed, init=job.init, device=job.device)
    found = measure(job.design.subject, scores, settings)
    rows = []
    for name in scores:
        rest = {"failure": found.failures.get(name, ""), "seconds": found.seconds[name], "device": job.device}
        rows.append(_row(job, name, found.values.get(name), **rest))
    rows += [_scored(job, name) for name in job.proxies if name not in SCORES]
    keep(rows)
    return rows


def _applies(name: str, design: PublishedDesign, seed: int, init: str, chosen: DesignFilter) -> bool:
    """Whether a score is to be measured on a design with a seed and initialisation."""
    if name in BASELINES:
        return (seed, init) == (0, "own")
    if design not in chosen:
        return False
    return name in SCORES or (design.spec is not None and init == "own")


def _scored(job: Job, name: str) -> ScoreRow:
    assert job.design.spec is not None
    start, proxy = time.perf_counter(), _opened(*job.opened_as.get(name, (name, "")), job.device)
    try:
        score = proxy.score(job.design.spec, job.seed)
    except ProxyFault:
        raise
    except (ProxyError, InputError) as error:
        return _row(job, name, None, failure=str(error), seconds=time.perf_counter() - start, device=job.device)
    row = _row(job, name, score.value, seconds=score.seconds, device=job.device)
    keep_curve(row, score.details.get("curve", ()))
    return row


@cache
def _opened(name: str, data: str, device: str) -> Proxy:
    return open_proxy(name, data, device)


def check_data_of(jobs: Iterable[Job]) -> None:
    """Open the proxies of jobs, so that an error in their data is raised before anything is measured.

    Raises:
        InputError: data or device are not available.
    """
    for job in jobs:
        for name in job.proxies:
            if name not in SCORES:
                _opened(*job.opened_as.get(name, (name, "")), job.device)


def without_repeats(jobs: Iterable[Job]) -> list[Job]:
    """Return jobs without the second seeds of proxies whose scores no seed decides."""
    left = ((job, tuple(name for name in job.proxies if not _repeats(job, name))) for job in jobs)
    return [replace(job, proxies=proxies) for job, proxies in left if proxies]


def _repeats(job: Job, name: str) -> bool:
    opened_as = job.opened_as.get(name, (name, ""))
    return job.seed > 0 and name not in SCORES and bool(rests_on(_opened(*opened_as, job.device)))


def _row(job: Job, name: str, value: float | None, **rest: object) -> ScoreRow:
    return new_row(name, job.design.subject.name, job.design.name, job.seed, job.init, value, **rest)
