"""The Ray engine: evaluations as tasks of a Ray cluster; this process alone touches the storage.

A task whose worker or node is lost is started again once, elsewhere; one that takes its worker down twice is failed.
The cluster is the one that ``RAY_ADDRESS`` names, or one of this machine's cores for as long as the study runs. The
nodes need the same version of vitspace, the space's file where it is a path, and the proxy's data; others are refused.
"""

import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vitspace.errors import FailureError, InputError, shown
from vitspace.proxies import ProxyError
from vitspace.searching.desk import Desk, Job
from vitspace.searching.engines import Engine
from vitspace.searching.engines._lazy import Lazy
from vitspace.searching.queue import DEATHS
from vitspace.searching.reference import SecondSeed
from vitspace.searching.remote import RemoteStudy, evaluate, score
from vitspace.searching.session import DesignJob, Session
from vitspace.searching.work import work_at_once
from vitspace.study.config import StudyConfig
from vitspace.study.trial import Trial

ENGINE = Engine(gpus=True)
ray: Any = Lazy("ray")
#: Seconds between two looks at the running tasks.
_LOOK = 0.5
#: Bytes of a cluster of ours for objects, which are specs and trials of some kilobytes; Ray's least are 75 MiB.
_OBJECTS = 80 << 20
#: Seconds in which a cluster's head answers.
_ANSWERS_IN = 10.0


def run(session: Session) -> None:
    """Evaluate designs; see `vitspace.searching.engines`.

    Raises:
        InputError: there is no such cluster, or it has no room for one evaluation.
    """
    with _cluster(session.config), Desk(session) as desk:
        work_at_once(desk, Tasks(session))


class Tasks:
    """A crew of Ray's tasks: as many as the cluster has room for, or as ``--workers`` says; see `Crew`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.study = RemoteStudy.of(session)
        self.flying: dict[Any, Job] = {}

    @property
    def busy(self) -> int:
        """How many tasks run."""
        return len(self.flying)

    def has_room(self) -> bool:
        """Whether another task may run, by the nodes that there are now."""
        if self.session.workers:
            return self.busy < self.session.workers
        needs = _needs(self.session.config)
        return self.busy < int(min(_have(name) / count for name, count in needs.items() if count))

    def start(self, job: Job) -> None:
        """Start a task."""
        if isinstance(job, SecondSeed):
            reference = self._remote(score).remote(self.study, job.spec, job.seed)
        else:
            reference = self._remote(evaluate).remote(self.study, job.number, job.spec, job.anchor)
        self.flying[reference] = job
        self.session.monitor.began(job.number, job.name)

    def results(self) -> Iterator[tuple[Job, Trial | float | Exception]]:
        """Give the tasks that ended, one by one, and what they gave; wait a moment where none did."""
        done, _ = ray.wait(list(self.flying), timeout=_LOOK)
        for reference in done:
            job = self.flying[reference]
            result = self._again(reference) if isinstance(job, SecondSeed) else self._trial(reference, job)
            del self.flying[reference]
            self.session.monitor.left(job.number)
            yield job, result

    def cancel(self) -> list[Job]:
        """Stop all tasks, and return what they were about."""
        for reference in self.flying:
            ray.cancel(reference, force=True)
        jobs = list(self.flying.values())
        self.flying.clear()
        return jobs

    def _remote(self, function: Callable[..., Any]) -> Any:
        return ray.remote(max_retries=DEATHS - 1, retry_exceptions=False, **_needs(self.session.config))(function)

    def _trial(self, reference: Any, job: DesignJob) -> Trial:
        try:
            trial: Trial = _result(reference)
        except ray.exceptions.RayTaskError:
            raise  # the evaluation records what a design does; this is a node that cannot evaluate at all
        except ray.exceptions.RayError as error:
            why = f"its worker died {DEATHS} times, the last time with {type(error).__name__}"
            return self.session.evaluator.trial(job.number, "failed", job.spec, why, job.anchor)
        return trial

    def _again(self, reference: Any) -> float | Exception:
        """Return the reference design's score with a second seed, or why there is none."""
        try:
            value: float = _result(reference)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            return cause if isinstance(cause, Exception) else ProxyError(str(cause or error).splitlines()[-1])
        except ray.exceptions.RayError as error:
            return ProxyError(f"its worker died: {type(error).__name__}")
        return value


def _result(reference: Any) -> Any:
    """Return what a task gave.

    Raises:
        InputError: its node lacks something of the study's, or has another space, proxy or code.
    """
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise InputError(f"a node of the Ray cluster cannot evaluate for this study: {error.cause}") from None
        raise


def check(config: StudyConfig) -> None:
    """Check that there is a cluster with room for one evaluation.

    Raises:
        InputError: there is none.
    """
    with _cluster(config):
        pass


@contextmanager
def _cluster(config: StudyConfig) -> Iterator[None]:
    """Be part of a cluster that has room for one evaluation: the one joined already, or `_join`'s."""
    # Else Ray keeps 30 % of the memory for objects, which /dev/shm may not have. It is read as Ray is loaded.
    os.environ.setdefault("RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES", str(_OBJECTS))
    joined_here = not ray.is_initialized()
    if joined_here:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Ray lets its workers run behind everything else, so that on a busy machine they hardly run at all.
        os.environ.setdefault("RAY_worker_niceness", "0")
        _join()
    try:
        for name, count in _needs(config).items():
            if (have := _have(name)) < count:
                raise InputError(f"an evaluation needs {count:g} {_kind(name)}, but the Ray cluster has {have:g}")
        yield
    finally:
        if joined_here:
            ray.shutdown()


def _needs(config: StudyConfig) -> dict[str, float]:
    """Return what one evaluation takes of the cluster."""
    gpus = config.gpus
    if gpus is None:
        gpus = float(config.device != "cpu" and _have("num_gpus") > 0)
    return {"num_cpus": 1, "num_gpus": gpus}


def _have(name: str) -> float:
    """Return how many of ``num_cpus`` or ``num_gpus`` the cluster has now."""
    have: float = ray.cluster_resources().get(_kind(name), 0)
    return have


def _kind(name: str) -> str:
    return name.removeprefix("num_").removesuffix("s").upper()


def _join() -> None:
    """Join the cluster that ``RAY_ADDRESS`` names, or start one."""
    address = os.environ.get("RAY_ADDRESS")
    try:
        if address and ":" in address:
            # Ray itself says for minutes that nobody answers there.
            host, _, port = address.rpartition("/")[2].rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _ANSWERS_IN).close()
        ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises what its processes meet, by types of its own
        if not address:
            why = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise FailureError(
                f"Ray cannot start a cluster here: {why} (room for what its processes share and log: {_room()}); "
                "--engine optuna needs none"
            ) from None
        if not isinstance(error, OSError | ValueError):
            raise
        raise InputError(
            f"RAY_ADDRESS names a Ray cluster, but got {shown(address)}: {str(error).splitlines()[0]}"
        ) from None


def _room() -> str:
    """Say what is free where Ray keeps objects, in the second folder if the first is too small, and logs."""
    folders = "/dev/shm", os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    return ", ".join(
        f"{shutil.disk_usage(folder).free >> 20} MB in {folder}" if Path(folder).is_dir() else f"there is no {folder}"
        for folder in folders
    )
