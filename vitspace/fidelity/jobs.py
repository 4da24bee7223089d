"""Jobs: which scores of which published designs are known, and measuring those that are not."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import vitspace.families  # noqa: F401 (the anchors' specs are its)
from vitspace.anchors.references import ablation_pairs, main_anchors, timm_peers
from vitspace.errors import InputError
from vitspace.proxies import COMBINATIONS, PROXIES, SCORES, Proxy, ProxyError, open_proxy
from vitspace.proxies._tables import ScoreRow, committed_rows, keep, local_rows, new_row
from vitspace.proxies.combinations import combination
from vitspace.proxies.scores import BASELINES, INITS, Settings, Subject, measure
from vitspace.spec import Spec


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        proxies: Names of scores, combinations or training proxies.
        seeds: How many seeds, from 0.
        inits: own, common or both.
        fresh: Whether everything is measured anew.
    """

    proxies: tuple[str, ...]
    seeds: int = 1
    inits: tuple[str, ...] = ("own",)
    fresh: bool = False

    def __post_init__(self) -> None:
        for name in self.proxies:
            if name.partition(":")[0] not in PROXIES:
                raise InputError(f"a proxy is one of {', '.join(PROXIES)}, but got {name!r}")
        for init in self.inits:
            if init not in INITS:
                raise InputError(f"init is own, common or both, but got {init!r}")
        if self.seeds < 1:
            raise InputError(f"seeds is at least 1, but got {self.seeds}")

    @property
    def measured(self) -> tuple[str, ...]:
        """What has to be measured: the scores, those of combinations, the baselines, and training proxies."""
        parts = [part for name in self.proxies if name in COMBINATIONS for part in combination(name).COMPONENTS]
        named = [name for name in self.proxies if name not in COMBINATIONS]
        return tuple(dict.fromkeys([*BASELINES, *named, *parts]))


@dataclass(frozen=True)
class Design:
    """A published design.

    Attributes:
        name: Id of the first row that it is.
        subject: What is scored.
        spec: Its spec, None for a peer.
    """

    name: str
    subject: Subject = field(compare=False)
    spec: Spec | None = None


@dataclass(frozen=True)
class Job:
    """Scores to be measured of one design, with one seed and initialisation."""

    design: Design
    proxies: tuple[str, ...]
    seed: int
    init: str
    device: str = "cpu"


@cache
def designs() -> tuple[Design, ...]:
    """Return the anchors, the designs of the ablation pairs and timm's peers, each design once."""
    rows = [*main_anchors(), *(row for pair in ablation_pairs() for row in (pair.a, pair.b))]
    found: dict[str, Design] = {}
    for row in rows:
        assert row.spec is not None
        found.setdefault(row.spec.id, Design(row.id, Subject.of_spec(row.spec, row.resolution), row.spec))
    peers = [Design(row.id, Subject.of_timm(name, row.resolution)) for name, row in timm_peers().items()]
    return (*found.values(), *peers)


def known_rows(request: Request) -> list[ScoreRow]:
    """Return what is known already: nothing where all is to be fresh, else committed rows before local ones."""
    if request.fresh:
        return []
    return list({row.key: row for row in [*local_rows(), *committed_rows()]}.values())


def plan(request: Request, known: Iterable[ScoreRow], device: str = "cpu") -> list[Job]:
    """Return the jobs that measure what is asked for and not known; what only counts comes first, as all need it."""
    there = {row.key for row in known}
    counts: list[Job] = []
    others: list[Job] = []
    for seed in range(request.seeds):
        for init in request.inits:
            for design in designs():
                wanted = [name for name in request.measured if _applies(name, design, seed, init)]
                missing = [n for n in wanted if f"{n} {design.subject.name} {seed} {init}" not in there]
                for jobs, some in ((counts, _counting(missing)), (others, _running(missing))):
                    if some:
                        jobs.append(Job(design, some, seed, init, device))
    return [*counts, *others]


def _counting(names: list[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in BASELINES)


def _running(names: list[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in BASELINES)


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


def _applies(name: str, design: Design, seed: int, init: str) -> bool:
    """Whether a score of a design depends on the seed and initialisation, and can be had of it."""
    if name in BASELINES:
        return (seed, init) == (0, "own")
    return name in SCORES or (design.spec is not None and init == "own")


def _train(job: Job, name: str) -> ScoreRow:
    assert job.design.spec is not None
    start = time.perf_counter()
    try:
        score = _opened(name, job.device).score(job.design.spec, job.seed)
    except ProxyError as error:
        return _row(job, name, None, failure=str(error), seconds=time.perf_counter() - start, device=job.device)
    return _row(job, name, score.value, seconds=score.seconds, device=job.device)


@cache
def _opened(name: str, device: str) -> Proxy:
    return open_proxy(name, "", device)


def _row(job: Job, name: str, value: float | None, **rest: object) -> ScoreRow:
    return new_row(name, job.design.subject.name, job.design.name, job.seed, job.init, value, **rest)


def check_proxies(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, or without any all training-free scores and combinations."""
    return tuple(names) or (*BASELINES, *(name for name in SCORES if name not in BASELINES), *COMBINATIONS)
