"""The Optuna engine: ask and tell in this process."""

import statistics
import time
import warnings
from dataclasses import dataclass, field

import optuna

from vitspace.engines import Monitor, Silent
from vitspace.evaluate import Evaluator
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


class StudyFailedError(RuntimeError):
    """Trial after trial failed: the cause is not the designs."""


def make_sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    """Return one of Optuna's samplers by our name for it."""
    samplers = optuna.samplers
    if name == "tpe":
        with warnings.catch_warnings():
            # Conditional axes need groups, which are experimental in name since Optuna 2.8.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True)
    kinds = {
        "nsga2": samplers.NSGAIISampler,
        "nsga3": samplers.NSGAIIISampler,
        "gp": samplers.GPSampler,
        "qmc": samplers.QMCSampler,
        "random": samplers.RandomSampler,
    }
    return kinds[name](seed=seed)


def enqueue_first(store: StudyStore, space: Space, config: StudyConfig) -> None:
    """Queue a new study's first designs: the anchors inside the budget, then uniform draws."""
    anchors = anchors_inside(space, config)
    for anchor_id, spec in anchors.items():
        store.study.enqueue_trial(space.encode(spec), user_attrs={"anchor": anchor_id})
    count = min(config.trials - len(anchors), STARTUP)
    for spec in space.draw(count, config.limits, config.seed, exclude=set(anchors.values())):
        store.study.enqueue_trial(space.encode(spec))


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
            StudyFailedError: too many trials in a row failed.
        """
        lost = self.store.requeue_lost()
        if lost:
            self.monitor.note(f"{lost} unfinished trial(s) of a process that is gone are run again")
        record = self.store.record()
        start, before = time.monotonic(), record.seconds
        trials = record.trials
        self.store.study.sampler = make_sampler(config.sampler, config.seed + len(trials))
        seen = {t.spec: t.number for t in trials if t.spec and t.state in ("complete", "failed")}
        complete, rejected, failed = len(record.completed), 0, 0
        self.monitor.started(record)
        while complete < config.trials and not _over(config, start):
            trial = self._one(seen, config, uniform=rejected >= REJECTIONS)
            if trial.spec is not None and trial.state in ("complete", "failed"):
                seen[trial.spec] = trial.number
            complete += trial.complete
            rejected = rejected + 1 if trial.state in ("invalid", "over_budget", "duplicate") else 0
            failed = failed + 1 if trial.state == "failed" else 0 if trial.complete else failed
            if trial.complete:
                self._calibrate(trial, config)
                self.store.set(seconds=before + time.monotonic() - start)
            if trial.complete or trial.state == "failed":
                self.monitor.ended(trial, self.store.record())
            if failed >= FAILURES:
                raise StudyFailedError(f"{failed} trials in a row failed, the last with: {trial.why}")

    def _one(self, seen: dict[Spec, int], config: StudyConfig, uniform: bool) -> Trial:
        if uniform:
            seed = config.seed + len(self.store.study.get_trials(deepcopy=False))
            [spec] = self.space.draw(1, config.limits, seed, exclude=seen.keys())
            self.store.study.enqueue_trial(self.space.encode(spec))
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

    def _calibrate(self, trial: Trial, config: StudyConfig) -> None:
        """Once a study: score the first design with a second seed, and fix the hypervolume's reference point."""
        if self.store.study.user_attrs.get("reference"):
            return
        assert trial.spec is not None and trial.score is not None
        self.monitor.note(f"scoring {trial.anchor or trial.spec.id} with a second seed, for the proxy's noise")
        second = self.evaluator.proxy.score(trial.spec, config.seed + 1, self.monitor.step).value
        scores = [trial.score, second]
        self.store.set(
            reference_point=reference_point(trial, config, self.evaluator.proxy.worst),
            reference={
                "chance_loss": self.evaluator.proxy.worst,
                "spec_id": trial.spec.id,
                "name": trial.anchor or trial.spec.id,
                "scores": scores,
                "noise": statistics.stdev(scores),
            },
        )


def reference_point(trial: Trial, config: StudyConfig, worst: float | None) -> list[float]:
    """Return the largest -score, multiply-adds and milliseconds that count, from the budget and the first design.

    Without a limit, twice the first design's cost stands in for it; without a worst score, twice its score.
    """
    limits = config.limits
    score, macs, latency_ms = trial.point
    most_macs = limits.macs[1] if limits.macs[1] < float("inf") else 2.0 * macs
    most_ms = limits.latency_ms[1] if limits.latency_ms[1] < float("inf") else 2.0 * latency_ms * most_macs / macs
    return [worst if worst is not None else 2.0 * abs(score), most_macs, most_ms]


def _over(config: StudyConfig, start: float) -> bool:
    return config.timeout is not None and time.monotonic() - start >= config.timeout
