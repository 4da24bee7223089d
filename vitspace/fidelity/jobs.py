"""Jobs: which scores of which published designs are known, and measuring those that are not."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.fidelity.curves import keep_curve
from vitspace.fidelity.designs import Design, DesignFilter, designs
from vitspace.proxies import COMBINATIONS, PROXIES, SCORES, Proxy, ProxyError, open_proxy
from vitspace.proxies.combinations import combination
from vitspace.proxies.score_tables import ScoreRow, committed_rows, keep, local_rows, new_row
from vitspace.proxies.scores import BASELINES, INITS, Settings, measure
from vitspace.proxies.training.train import canonical_name, split_data

#: The predictor of top-1 from public results, which is judged as proxies are.
PREDICTOR = "top1"


@dataclass(frozen=True)
class FidelityRequest:
    """Which proxies are judged, and what is measured for that.

    Attributes:
        proxies: Names of scores, combinations or training proxies, ``train:small``; those name the kind of data they
            are trained on, ``train:small,data=cifar10``. None named: every training-free one.
        seeds: How many seeds, from 0.
        inits: own, common or both.
        fresh: Whether committed scores are left aside, and only those of this machine and the present code are known.
        chosen: The designs that are scored.
        data: What the training proxies are trained on; empty for their own.
        data_of: By training proxy, what it is trained on as it was given, so that it can be opened.
        predicts: Whether the predictor of top-1 is judged too: no proxy was named, or ``top1`` is.
        is_general: Whether no proxy was named, so that cards of all that was trained before belong to the answer.

    Raises:
        InputError: there is no such proxy or initialisation, or data are given to proxies that do not train.
    """

    proxies: tuple[str, ...] = ()
    seeds: int = 1
    inits: tuple[str, ...] = ("own",)
    fresh: bool = False
    chosen: DesignFilter = field(default_factory=DesignFilter)
    data: str = ""
    data_of: Mapping[str, str] = field(default_factory=dict, init=False)
    predicts: bool = field(default=False, init=False)
    is_general: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        named = tuple(name for name in self.proxies if name != PREDICTOR)
        object.__setattr__(self, "predicts", not self.proxies or named != self.proxies)
        object.__setattr__(self, "is_general", not self.proxies)
        object.__setattr__(self, "proxies", named if self.proxies else _training_free())
        for name in self.proxies:
            if name.partition(":")[0] not in PROXIES:
                raise InputError(f"a proxy is one of {', '.join((*PROXIES, PREDICTOR))}, but got {name!r}")
            if name.partition(":")[0] == "halving":
                raise InputError(
                    f"the presets of halving have cards, train:tiny and so on, and it has none; got {name!r}"
                )
        for init in self.inits:
            if init not in INITS:
                raise InputError(f"init is own, common or both, but got {init!r}")
        if self.seeds < 1:
            raise InputError(f"seeds is at least 1, but got {self.seeds}")
        if self.data and not any(map(is_training, self.proxies)):
            raise InputError(f"data are of proxies that train, and none is named, but got {self.data!r}")
        names = {canonical_name(name, self.data) if is_training(name) else name: name for name in self.proxies}
        data_of = {
            known: self.data or split_data(given)[1] or "" for known, given in names.items() if is_training(known)
        }
        object.__setattr__(self, "proxies", tuple(names))
        object.__setattr__(self, "data_of", data_of)

    @property
    def measured(self) -> tuple[str, ...]:
        """What has to be measured: the scores, those of combinations, the baselines, and training proxies."""
        parts = [part for name in self.proxies if name in COMBINATIONS for part in combination(name).COMPONENTS]
        named = [name for name in self.proxies if name not in COMBINATIONS]
        return tuple(dict.fromkeys([*BASELINES, *named, *parts]))


@dataclass(frozen=True)
class Job:
    """Scores to be measured of one design, with one seed and initialisation; ``data_of`` the training proxies."""

    design: Design
    proxies: tuple[str, ...]
    seed: int
    init: str
    device: str = "cpu"
    data_of: Mapping[str, str] = field(default_factory=dict)


def known_rows(request: FidelityRequest) -> list[ScoreRow]:
    """Return what is known already: this machine's rows, and before them the committed ones, unless all is fresh."""
    committed = () if request.fresh else committed_rows()
    return list({row.key: row for row in [*local_rows(), *committed]}.values())


def plan(request: FidelityRequest, known: Iterable[ScoreRow], device: str = "cpu") -> list[Job]:
    """Return the jobs that measure what is asked for and not known.

    What only counts comes first, as all need it, and of all designs; what trains comes last, the smallest designs
    first, so that a run that is stopped has trained most of them.
    """
    there = {row.key for row in known}
    jobs: list[Job] = []
    for seed in range(request.seeds):
        for init in request.inits:
            for design in designs():
                wanted = [name for name in request.measured if _applies(name, design, seed, init, request.chosen)]
                missing = [n for n in wanted if f"{n} {design.subject.name} {seed} {init}" not in there]
                parts = [tuple(name for name in missing if _rank(name) == rank) for rank in range(3)]
                jobs += [Job(design, part, seed, init, device, request.data_of) for part in parts if part]
    return sorted(jobs, key=_turn)


def _rank(name: str) -> int:
    return 0 if name in BASELINES else 1 if name in SCORES else 2


def _turn(job: Job) -> tuple[int, int]:
    rank = _rank(job.proxies[0])
    return rank, cost(job.design.spec).macs if rank == 2 and job.design.spec else 0


def is_training(name: str) -> bool:
    """Whether a proxy trains."""
    return name not in COMBINATIONS and _rank(name) == 2


def run(job: Job) -> list[ScoreRow]:
    """Measure a job's scores, and keep them on this machine."""
    scores = [name for name in job.proxies if name in SCORES]
    settings = Settings(seed=job.seed, init=job.init, device=job.device)
    found = measure(job.design.subject, scores, settings)
    rows = []
    for name in scores:
        rest = {"failure": found.failures.get(name, ""), "seconds": found.seconds[name], "device": job.device}
        rows.append(_row(job, name, found.values.get(name), **rest))
    rows += [_train(job, name) for name in job.proxies if name not in SCORES]
    keep(rows)
    return rows


def _applies(name: str, design: Design, seed: int, init: str, chosen: DesignFilter) -> bool:
    """Whether a score of a design depends on the seed and initialisation, can be had of it, and is asked for."""
    if name in BASELINES:
        return (seed, init) == (0, "own")
    if design not in chosen:
        return False
    return name in SCORES or (design.spec is not None and init == "own")


def _train(job: Job, name: str) -> ScoreRow:
    assert job.design.spec is not None
    start, proxy = time.perf_counter(), _opened(name, job.data_of.get(name, ""), job.device)
    try:
        score = proxy.score(job.design.spec, job.seed)
    except (ProxyError, InputError) as error:
        return _row(job, name, None, failure=str(error), seconds=time.perf_counter() - start, device=job.device)
    row = _row(job, name, score.value, seconds=score.seconds, device=job.device)
    keep_curve(row, score.details.get("curve", ()))
    return row


@cache
def _opened(name: str, data: str, device: str) -> Proxy:
    return open_proxy(split_data(name)[0] if data else name, data, device)


def check_data_of(jobs: Iterable[Job]) -> None:
    """Open the training proxies of jobs, so that what is wrong with their data is said before anything is measured.

    Raises:
        InputError: their data, or the device, cannot be had.
    """
    for job in jobs:
        for name in filter(is_training, job.proxies):
            _opened(name, job.data_of.get(name, ""), job.device)


def _row(job: Job, name: str, value: float | None, **rest: object) -> ScoreRow:
    return new_row(name, job.design.subject.name, job.design.name, job.seed, job.init, value, **rest)


def _training_free() -> tuple[str, ...]:
    return (*BASELINES, *(name for name in SCORES if name not in BASELINES), *COMBINATIONS)
