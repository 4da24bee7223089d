"""A process's part in a study, opened in one way by searches, workers, SLURM's jobs and NNI's workers."""

from dataclasses import dataclass, field

import optuna

from vitspace.latency import check_backend
from vitspace.proxies import open_proxy, takes_data
from vitspace.proxies.evidence import evidence_of
from vitspace.proxies.names import scores_name
from vitspace.proxies.selective import check_knows
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.latency import budget_device, timing_of
from vitspace.searching.monitor import Monitor
from vitspace.searching.rungs import Rungs
from vitspace.space import Space, load_sizes
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


@dataclass(frozen=True)
class DesignJob:
    """A design to be evaluated, as the trial that was started for it."""

    running: optuna.Trial
    spec: Spec
    anchor: str | None

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.running.number

    @property
    def name(self) -> str:
        """What to call the design: its anchor's id, or its spec's."""
        return self.anchor or self.spec.id


@dataclass
class Session:
    """What an engine works on.

    Attributes:
        store: The study.
        config: What it was asked.
        evaluator: What it measures, the proxy's data loaded.
        monitor: Is told how it goes.
        workers: Evaluations at once, in processes or tasks of their own; None evaluates in this process, or is as many
            as a cluster has room for.
        threads: Threads of one evaluation; None is torch's own number.
    """

    store: StudyStore
    config: StudyConfig
    evaluator: Evaluator
    monitor: Monitor = field(default_factory=Monitor)
    workers: int | None = None
    threads: int | None = None

    @property
    def space(self) -> Space:
        """The study's space."""
        return self.evaluator.space

    def evaluate(self, job: DesignJob) -> Trial:
        """Evaluate a design in this process; see `Evaluator.evaluate`."""

        def on_step(done: int, total: int) -> None:
            self.monitor.step(job.number, done, total)

        self.monitor.began(job.number, job.name)
        try:
            rungs = Rungs(self.store, job.running, job.spec.id)
            return self.evaluator.evaluate(job.number, job.spec, job.anchor, on_step, rungs)
        finally:
            self.monitor.left(job.number)

    def score(self, spec: Spec, seed: int) -> float:
        """Score a design with another seed, in this process.

        Raises:
            ProxyError: it cannot be scored.
        """
        return self.evaluator.score(spec, seed).value


def open_evaluator(config: StudyConfig, command: str, monitor: Monitor) -> Evaluator:
    """Return what a study measures of every design, the proxy's data loaded.

    Args:
        config: The study's configuration.
        command: The command line that runs it, for the record.
        monitor: Is told of what takes its time.

    Raises:
        InputError: there is no such space, proxy, data, device or back end here.
    """
    space = load_sizes(config.space, config.sizes, config.task)
    check_backend(config.latency_backend)
    for size in config.sizes or (space.resolution,):
        budget_device(config.limits, size)
    if takes_data(config.proxy):
        monitor.note(f"loading {config.data or f'the data of {config.proxy}'}")
    proxy = open_proxy(config.proxy, config.data or "", config.device, config.seed)
    check_knows(proxy, space, config.limits.macs)
    evidence = evidence_of(scores_name(proxy.describe(), config.proxy)) if config.accuracy == "estimate" else None
    return Evaluator(space, config.limits, proxy, config.seed, timing_of(config), command, evidence)
