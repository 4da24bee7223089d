"""The Ray engine: evaluations as tasks of a Ray cluster; this process alone touches the storage.

A task whose worker or node is lost is started again once, elsewhere; one that takes its worker down twice is failed.
The cluster is the one that ``RAY_ADDRESS`` names, or one of this machine's cores for as long as the study runs. The
nodes need vitspace, the space's file where it is a path, and the proxy's data.
While the second seed of the first design is scored, once in a study, no new task is started.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ray

from vitspace.errors import InputError
from vitspace.proxies import ProxyError
from vitspace.searching.desk import Desk, Task
from vitspace.searching.engines import OpenStudy
from vitspace.searching.queue import DEATHS
from vitspace.searching.remote import evaluate, portable, score
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.trial import Trial

#: Seconds between two looks at the running tasks.
_LOOK = 0.5
#: Seconds in which a cluster's head answers.
_ANSWERS_IN = 10.0


@dataclass
class RayEngine:
    """Keeps as many tasks running as the cluster has room for, or as ``--workers`` says."""

    study: OpenStudy
    flying: dict[Any, Task] = field(default_factory=dict)

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs; see `vitspace.searching.engines.Engine`.

        Raises:
            InputError: there is no such cluster, or it has no room for one evaluation.
        """
        self.config, self.facts = config, (portable(config), self.study.evaluator.command)
        with _cluster(config), Desk(self.study, config, self._score) as desk:
            self._run(desk)

    def _run(self, desk: Desk) -> None:
        try:
            while self.flying or not desk.over:
                while len(self.flying) < self._room() and (task := desk.take()):
                    self.flying[self._start(task)] = task
                done, _ = ray.wait(list(self.flying), timeout=_LOOK) if self.flying else ([], [])
                for reference in done:
                    trial = self._result(reference, self.flying[reference])
                    desk.give(self.flying.pop(reference), trial)
                if not self.flying:
                    desk.wait()
        except BaseException:
            for reference, task in self.flying.items():
                ray.cancel(reference, force=True)
                desk.put_back(task)
            raise

    def _room(self) -> int:
        """Return how many tasks may run, by the nodes there are now."""
        if self.study.workers:
            return self.study.workers
        return int(min(_have(name) / count for name, count in _needs(self.config).items() if count))

    def _start(self, task: Task) -> Any:
        return self._remote(evaluate).remote(*self.facts, task.number, task.spec, task.anchor)

    def _remote(self, function: Callable[..., Any]) -> Any:
        remote: Any = ray.remote  # its types name every number of arguments, and no function of any
        return remote(max_retries=DEATHS - 1, retry_exceptions=False, **_needs(self.config))(function)

    def _result(self, reference: Any, task: Task) -> Trial:
        try:
            trial: Trial = ray.get(reference)
        except ray.exceptions.RayTaskError:
            raise  # the evaluation records what a design does; this is a node that cannot evaluate at all
        except ray.exceptions.RayError as error:
            why = f"its worker died {DEATHS} times, the last time with {type(error).__name__}"
            return self.study.evaluator.trial(task.number, "failed", task.spec, why, task.anchor)
        return trial

    def _score(self, spec: Spec, seed: int) -> float:
        try:
            value: float = ray.get(self._remote(score).remote(*self.facts, spec, seed))
        except ray.exceptions.RayTaskError as error:
            if not isinstance(error.cause, ProxyError):
                raise
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise ProxyError(f"its worker died: {type(error).__name__}") from None
        return value


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
    except (OSError, ValueError) as error:
        if not address:
            raise
        raise InputError(
            f"RAY_ADDRESS names a Ray cluster, but got {address!r}: {str(error).splitlines()[0]}"
        ) from None


def open_engine(study: OpenStudy) -> RayEngine:
    """Return the engine for a study."""
    return RayEngine(study)
