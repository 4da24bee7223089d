"""The Optuna engine: ask and tell in this process."""

import statistics
import time
import warnings
from dataclasses import dataclass, field

import optuna

from vitspace.engines import Monitor, Silent
from vitspace.errors import InputError, StudyFailedError
from vitspace.evaluate import Evaluator
from vitspace.proxies import ProxyError
from vitspace.space import InvalidDesign, Space
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

#: Designs drawn uniformly before the sampler proposes.
STARTUP = 10
#: Proposals in a row that may be rejected before a uniform draw takes the place of the next.
REJECTIONS = 50
#: Failures in a row after which a study stops.
FAILURES = 8
#: Designs in a row that are measured and miss the latency budget, after which a study stops.
TOO_SLOW = 25


def make_sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    """Return one of Optuna's samplers by our name for it."""
    samplers = optuna.samplers
    makers = {
        "tpe": lambda: samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True),
        "nsga2": lambda: samplers.NSGAIISampler(seed=seed),
        "nsga3": lambda: samplers.NSGAIIISampler(seed=seed),
        "gp": lambda: samplers.GPSampler(seed=seed),
        "qmc": lambda: samplers.QMCSampler(seed=seed),
        "random": lambda: samplers.RandomSampler(seed=seed),
    }
    with warnings.catch_warnings():
        # Some are experimental in name, for years; conditional axes need TPE's groups.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return makers[name]()


def first_designs(space: Space, config: StudyConfig) -> list[tuple[str | None, Spec]]:
    """Return (anchor, spec) of a new study's first designs: the anchors inside the budget, then random draws.

    Raises:
        InputError: too few designs fit the budget.
    """
    anchors = anchors_inside(space, config)
    count = min(config.trials - len(anchors), STARTUP)
    drawn = space.draw(count, config.limits, config.seed, exclude=set(anchors.values()))
    return [*anchors.items(), *((None, spec) for spec in drawn)]


def enqueue(store: StudyStore, space: Space, designs: list[tuple[str | None, Spec]]) -> None:
    """Queue designs to be evaluated next."""
    for anchor, spec in designs:
        store.study.enqueue_trial(space.encode(spec), user_attrs={"anchor": anchor} if anchor else None)


def anchors_inside(space: Space, config: StudyConfig) -> dict[str, Spec]:
    """Return the published designs of the space whose FLOPs and params are within the budget."""
    rows = space.anchors(config.ablations)
    return {row.id: row.spec for row in rows if row.spec and not space.over_budget(row.spec, config.limits)}


@dataclass
class OptunaEngine:
    """Runs a study until its trials are complete or its time is over."""

    store: StudyStore
    space: Space
    evaluator: Evaluator
    monitor: Monitor = field(default_factory=Silent)

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs; on Ctrl-C the running one is queued again.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
            InputError: the space holds no further design within the budget.
        """
        lost = self.store.requeue_lost()
        if lost:
            self.monitor.note(f"{lost} unfinished trial(s) of a process that is gone are run again")
        record = self.store.record()
        start, before = time.monotonic(), record.seconds
        self.store.study.sampler = make_sampler(config.sampler, config.seed + len(record.trials))
        seen = {t.spec: t.number for t in record.trials if t.spec and _was_evaluated(t)}
        tally = _Tally(len(record.completed))
        self.monitor.started(record)
        self._calibrate(record.completed, config)
        while tally.complete < config.trials and not _over(config, start):
            trial = self._one(seen, config, uniform=tally.rejected >= REJECTIONS)
            tally.add(trial)
            if trial.spec is not None and _was_evaluated(trial):
                seen[trial.spec] = trial.number
                self.store.set(seconds=before + time.monotonic() - start)
                self.monitor.ended(trial, self.store.record())
            if trial.complete:
                self._calibrate([trial], config)
            tally.check(trial)

    def _one(self, seen: dict[Spec, int], config: StudyConfig, uniform: bool) -> Trial:
        if uniform:
            seed = config.seed + len(self.store.study.get_trials(deepcopy=False))
            drawn = self.space.draw(1, config.limits, seed, exclude=seen.keys())
            if not drawn:
                raise InputError(f"space {self.space.name} has no further design within {config.limits}")
            self.store.study.enqueue_trial(self.space.encode(drawn[0]))
        running = self.store.ask()
        try:
            trial = self._evaluate(running, seen)
        except BaseException:
            self.store.requeue(running.number)
            self.store.save(running, Trial(running.number, "pruned", why="interrupted, and queued again"))
            raise
        self.store.save(running, trial)
        return trial

    def _evaluate(self, running: optuna.Trial, seen: dict[Spec, int]) -> Trial:
        params = self.space.choose(lambda v: running.suggest_categorical(v.name, v.values))
        try:
            spec = self.space.decode(params)
        except InvalidDesign as error:
            return Trial(running.number, "invalid", why=str(error))
        anchor = running.user_attrs.get("anchor")
        return self.evaluator.evaluate(running.number, spec, seen, anchor, self.monitor.step)

    def _calibrate(self, completed: list[Trial], config: StudyConfig) -> None:
        """Once a study: score its first completed design with a second seed, and fix the reference point."""
        if self.store.study.user_attrs.get("reference") or not completed:
            return
        trial = min(completed, key=lambda t: (t.anchor is None, t.number))
        assert trial.spec is not None and trial.score is not None
        name = trial.anchor or trial.spec.id
        self.monitor.note(f"scoring {name} with a second seed, for the proxy's noise")
        scores = [trial.score]
        try:
            scores.append(self.evaluator.proxy.score(trial.spec, config.seed + 1, self.monitor.step).value)
        except ProxyError as error:
            self.monitor.note(f"the second seed failed, so that the noise is not known: {error}")
        worst = self.evaluator.proxy.worst
        reference = {"chance_loss": worst, "spec_id": trial.spec.id, "name": name, "scores": scores}
        self.store.set(
            reference_point=reference_point(trial, config, worst),
            reference=reference | ({"noise": statistics.stdev(scores)} if len(scores) > 1 else {}),
        )


@dataclass
class _Tally:
    """How trials end, in a row."""

    complete: int
    rejected: int = 0
    failed: int = 0
    slow: int = 0

    def add(self, trial: Trial) -> None:
        rejected = trial.state in ("invalid", "over_budget", "duplicate")
        self.complete += trial.complete
        self.rejected = self.rejected + 1 if rejected else 0
        self.failed = self.failed + 1 if trial.state == "failed" else 0 if trial.complete else self.failed
        slow = trial.state == "over_budget" and trial.latency_ms is not None
        self.slow = self.slow + 1 if slow else 0 if trial.complete else self.slow

    def check(self, last: Trial) -> None:
        if self.failed >= FAILURES:
            raise StudyFailedError(f"{self.failed} trials in a row failed, the last with: {last.why}")
        if self.slow >= TOO_SLOW:
            raise StudyFailedError(f"{self.slow} designs in a row were too slow, the last with: {last.why}")


def _was_evaluated(trial: Trial) -> bool:
    """Whether measuring a design again would tell nothing new."""
    return trial.state in ("complete", "failed") or trial.latency_ms is not None


def reference_point(trial: Trial, config: StudyConfig, worst: float | None) -> list[float]:
    """Return the largest -score, multiply-adds and milliseconds that count, from the budget and the first design.

    Without a limit, twice the first design's cost stands in for it; without a worst score, twice a negative score,
    or 0 below a positive one, and 1 below 0.
    """
    limits = config.limits
    score, macs, latency_ms = trial.point
    most_macs = limits.macs[1] if limits.macs[1] < float("inf") else 2.0 * macs
    most_ms = limits.latency_ms[1] if limits.latency_ms[1] < float("inf") else 2.0 * latency_ms * most_macs / macs
    least = score + (abs(score) or 1.0)
    return [worst if worst is not None else least, most_macs, most_ms]


def _over(config: StudyConfig, start: float) -> bool:
    return config.timeout is not None and time.monotonic() - start >= config.timeout
