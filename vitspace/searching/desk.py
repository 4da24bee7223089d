"""Desk: where an engine takes the next design and hands in what it gave, the same for all engines and workers."""

import time
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from vitspace.errors import InputError, UsedUpError
from vitspace.interrupts import postponed
from vitspace.latency import predicted_violation
from vitspace.searching.claims import CLAIM, Verdict, places_left, verdict
from vitspace.searching.engines import OpenStudy
from vitspace.searching.queue import DEATHS, Queue, design_params
from vitspace.searching.reference import Score, calibrate, to_calibrate
from vitspace.searching.samplers import make_sampler
from vitspace.searching.streaks import REJECTIONS, Tally
from vitspace.space import InvalidDesign
from vitspace.space.variables import Params
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.storage import together
from vitspace.study.trial import Trial

#: Seconds between two looks at what other workers do.
POLL = 0.2


@dataclass(frozen=True)
class Task:
    """A design to be evaluated, as the trial that was started for it."""

    running: optuna.Trial
    spec: Spec
    anchor: str | None

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.running.number


@dataclass
class Desk:
    """Hands out designs until a study's trials are complete or its time is over.

    Attributes:
        study: The study.
        config: What it was asked.
        score: Gives the second seed's score, for the noise.
    """

    study: OpenStudy
    config: StudyConfig
    score: Score

    def __post_init__(self) -> None:
        self.store, self.space, self.monitor = self.study.store, self.study.space, self.study.monitor
        self._trial = self.study.evaluator.trial
        self.queue = Queue(self.store, note=self.monitor.note, check=self.study.check, make=self._trial)
        self.tally = Tally()
        self._seen: dict[Spec, int] = {}
        self._known: set[int] = set()
        self._none_left = False

    def __enter__(self) -> "Desk":
        self.queue.__enter__()
        record = self.store.record()
        self._start, self._before = time.monotonic(), record.seconds
        seed = self._sampler_seed(len(record.trials))
        self.store.study.sampler = make_sampler(self.config, self.space, seed, self._may_be_fast_enough)
        self.monitor.started(record)
        self._calibrate()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._calibrate(last=True)
                self._set_seconds()
        finally:
            self.queue.__exit__(kind, error, trace)

    @property
    def over(self) -> bool:
        """Whether no new trial starts."""
        return (
            self._late
            or self.store.used_up
            or sum(trial.complete for trial in self.store.trials()) >= self.config.trials
        )

    @property
    def _late(self) -> bool:
        timeout = self.config.timeout
        return timeout is not None and time.monotonic() - self._start >= timeout

    def take(self, params: Params | None = None) -> Task | None:
        """Start a trial and return its design; None where there is none to start now, as others run the last ones.

        Where none is left and nobody runs one, the study is over.

        Args:
            params: What somebody else proposes; None where it is rejected, too.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
        """
        while not self._late and places_left(self.store.frozen(), self.config.trials) > 0:
            if self._is_exhausted():
                return None
            running = self.queue.ask() if params is None else self.queue.start(params, self._distributions(params))
            try:
                found = self._consider(running)
            except UpdateFinishedTrialError:
                self.queue.was_taken(running)
                continue
            except UsedUpError:
                self.queue.give_up(running)
                self._none_left = True
                continue
            except BaseException:
                self.queue.put_back(running)
                raise
            if isinstance(found, Task):
                return found
            if found is None:
                return None
            self._end(running, found)
            if params is not None:
                return None
        return None

    def _is_exhausted(self) -> bool:
        """Whether no design is left; the study ends then, unless others run some, which may be queued again."""
        if not self._none_left and self.tally.rejected >= REJECTIONS:
            self._none_left = not self.queue_uniform()
        if not self._none_left or self.store.frozen(TrialState.WAITING):
            return False
        if not self.store.frozen(TrialState.RUNNING):
            self._end_used_up()
        return True

    def _end_used_up(self) -> None:
        self.store.set(used_up=True)
        done = sum(trial.complete for trial in self.store.trials())
        self.monitor.note(
            f"space {self.space.name} has no further design within {self.config.limits}: the study ends with {done} of "
            f"{self.config.trials} trials"
        )

    def _distributions(self, params: Params) -> dict[str, BaseDistribution]:
        values = {variable.name: variable.values for variable in self.space.variables}
        return {name: CategoricalDistribution(values[name]) for name in params}

    def wait(self) -> None:
        """Let some time pass before the next look."""
        time.sleep(POLL)

    def give(self, task: Task, trial: Trial) -> None:
        """Store what an evaluation gave.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
        """
        self._end(task.running, trial)
        if trial.complete:
            self._calibrate()

    def queue_uniform(self) -> bool:
        """Queue a design drawn uniformly from those that nobody evaluated or evaluates; False where there is none."""
        seed = self.config.seed + len(self.store.frozen()) + self._salt()
        known = self._evaluated().keys() | self._under_way()
        drawn = self.space.draw(1, self.config.limits.counted, seed, exclude=known)
        for spec in drawn:
            self.store.study.enqueue_trial(self.space.encode(spec))
        return bool(drawn)

    def _under_way(self) -> set[Spec]:
        """Return the designs that wait or are worked on."""
        found = set()
        for trial in self.store.frozen(TrialState.RUNNING, TrialState.WAITING):
            with suppress(InputError):  # its params are still chosen, or make no design
                found.add(self.space.decode(design_params(trial)))
        return found

    def put_back(self, task: Task) -> None:
        """Queue a design again whose evaluation was interrupted."""
        self.queue.put_back(task.running)

    def _consider(self, running: optuna.Trial) -> Task | Trial | None:
        """Return the task of a started trial, or how it is rejected, or None where it is one too many."""
        with together(self.store.storage):
            params = self.space.choose(lambda v: running.suggest_categorical(v.name, v.values))
        facts = running.user_attrs
        try:
            spec = self.space.decode(params)
        except InvalidDesign as error:
            return self._trial(running.number, "invalid", why=str(error))
        anchor, deaths = facts.get("anchor"), facts.get("deaths", 0)
        if deaths >= DEATHS:
            why = f"its worker died {deaths} times, the last time {facts.get('killed')}"
            return self._trial(running.number, "failed", spec, why, anchor)
        found = self._verdict(running, spec)
        if found.word == "surplus":
            self.queue.give_up(running)
            return None
        if found.word == "duplicate":
            return self._trial(running.number, "duplicate", spec, f"the same network as trial {found.of}", anchor)
        self.queue.go(running)
        return Task(running, spec, anchor)

    def _verdict(self, running: optuna.Trial, spec: Spec) -> Verdict:
        self.store.storage.set_trial_system_attr(running._trial_id, CLAIM, spec.id)
        while True:
            frozen = self.store.frozen()
            if spec in self._evaluated(frozen):
                return Verdict("duplicate", self._seen[spec])
            found = verdict(running.number, spec.id, frozen, self.config.trials)
            if found.word != "wait":
                return found
            self.wait()

    def _evaluated(self, frozen: list[FrozenTrial] | None = None) -> dict[Spec, int]:
        """Return the designs of which measuring again would tell nothing new, whoever measured them."""
        for trial in self.store.trials(frozen):
            if trial.number not in self._known:
                self._known.add(trial.number)
                if trial.spec and was_evaluated(trial):
                    self._seen[trial.spec] = trial.number
        return self._seen

    def _end(self, running: optuna.Trial, trial: Trial) -> None:
        with postponed():  # what was evaluated is not thrown away
            stored = self.queue.end(running, trial)
        if not stored:
            return
        if trial.spec is not None and was_evaluated(trial):
            self._set_seconds()
            self.monitor.ended(trial, self.store.record())
        self.tally.add(trial)

    def _set_seconds(self) -> None:
        """Store the wall time of the searching; of several workers, the longest counts."""
        seconds = self._before + time.monotonic() - self._start
        if seconds > self.store.study.user_attrs.get("seconds", 0.0):
            self.store.set(seconds=seconds)

    def _may_be_fast_enough(self, spec: Spec) -> bool:
        settings = replace(self.study.evaluator.latency, img_size=self.space.resolution)
        return not predicted_violation(spec, settings, self.config.limits)

    def _sampler_seed(self, trials: int) -> int:
        return (self.config.seed + trials + self._salt()) % 2**31

    def _salt(self) -> int:
        """Return 0, or where others work on the study a number of this process, so that they draw other designs."""
        alone = places_left(self.store.frozen(), 0) + len(self.store.record().completed) == 0
        return 0 if alone else zlib.crc32(str(self.queue.owner).encode())

    def _calibrate(self, last: bool = False) -> None:
        if trial := to_calibrate(self.store, self.queue.owner, last):
            calibrate(self.store, trial, self.config, self.study.evaluator.proxy.worst, self.score, self.monitor.note)


def was_evaluated(trial: Trial) -> bool:
    """Whether measuring a design again would tell nothing new."""
    return trial.state in ("complete", "failed") or trial.latency_ms is not None
