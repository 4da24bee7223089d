"""The desk hands out designs and takes their results, in the same way for all engines and workers."""

import time
import zlib
from contextlib import ExitStack
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from vitspace.anchors import anchor as published
from vitspace.errors import UsedUpError
from vitspace.interrupts import deferring_interrupts
from vitspace.latency import predicted_violation
from vitspace.proxies import rests_on
from vitspace.searching.claims import CLAIM, Verdict, admit, places_left
from vitspace.searching.latency import rejected_unsure
from vitspace.searching.lease import owner_of
from vitspace.searching.queue import DEATHS, OUTSIDE, Queue, designs_under_way
from vitspace.searching.reference import Score, SecondSeed, reference_trial, score_reference, settle_reference
from vitspace.searching.samplers import make_sampler
from vitspace.searching.session import DesignJob, Session
from vitspace.searching.streaks import REJECTIONS, Streaks
from vitspace.space import InvalidDesign
from vitspace.space.variables import Params
from vitspace.spec import Spec
from vitspace.study.optuna_private import trial_id
from vitspace.study.storage import batched
from vitspace.study.trial import Trial
from vitspace.words import plural

#: Seconds between two looks at what other workers do.
POLL = 0.2
#: Uniform draws of which one is queued, and how far apart their seeds are, so that those of other trials differ.
_DRAWS, _APART = 32, 1_000_003


#: What an engine evaluates: a design, or the reference design with another seed.
Job = DesignJob | SecondSeed


@dataclass(frozen=True)
class Died:
    """Stands for a result where the process that was to give it is dead.

    Attributes:
        who: The process, for people.
        blame: Whether the design may have killed it.
    """

    who: str
    blame: bool = True


@dataclass
class Desk:
    """Hands out designs until a study's trials are complete or its time is over.

    Attributes:
        session: The study's.
        score: Scores the reference design with a second seed as soon as that is due, where this process evaluates;
            None where an engine has that done as one of its jobs (`next_job`).
    """

    session: Session
    score: Score | None = None

    def __post_init__(self) -> None:
        self.store, self.space, self.monitor = self.session.store, self.session.space, self.session.monitor
        self.config = self.session.config
        self._trial = self.session.evaluator.trial
        self.queue = Queue(self.store, note=self.monitor.note, make=self._trial, evaluates=self.score is not None)
        self.streaks = Streaks()
        self._second: SecondSeed | None = None
        self._seen: dict[Spec, int] = {}
        self._known: set[int] = set()
        self._none_left = False

    def __enter__(self) -> "Desk":
        with ExitStack() as undo:
            undo.enter_context(self.queue)
            record = self.store.record()
            self._start, self._before = time.monotonic(), record.seconds
            seed = (self.config.seed + len(record.trials) + self._salt()) % 2**31
            self.store.study.sampler = make_sampler(self.config, self.space, seed, self._may_be_fast_enough, self.lag)
            self.monitor.started(record)
            self._score_reference()
            undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._score_reference(last=True)
                self._set_seconds()
        finally:
            self.queue.__exit__()

    @property
    def over(self) -> bool:
        """Whether no new trial starts."""
        return (
            self._late or self.store.used_up or sum(trial.counts for trial in self.store.trials()) >= self.config.trials
        )

    @property
    def _total(self) -> int:
        """How many trials are to be evaluated, with those that were over the budget when they were timed again."""
        lost = sum(trial.state == "over_budget" and trial.score is not None for trial in self.store.trials())
        return self.config.trials + lost

    @property
    def _late(self) -> bool:
        timeout = self.config.timeout
        return timeout is not None and time.monotonic() - self._start >= timeout

    def ask(self, params: Params | None = None) -> DesignJob | None:
        """Start a trial and return its design; None where there is none to start now, as others run the last ones.

        Where none is left and nobody runs one, the study is over.

        Args:
            params: What somebody else proposes; None where it is rejected, too.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
        """
        while not self._late and places_left(self.store.frozen(), self._total) > 0:
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
            if isinstance(found, DesignJob):
                return found
            if found is None:
                return None
            self._end(running, found)
            if params is not None:
                return None
        return None

    def _is_exhausted(self) -> bool:
        """Whether no design is left; the study ends then, unless others run some, which may be queued again."""
        if not self._none_left and self.streaks.rejected >= REJECTIONS:
            self._none_left = not self.queue_uniform()
        if not self._none_left or self.store.frozen(TrialState.WAITING):
            return False
        if not self.store.frozen(TrialState.RUNNING):
            self._end_used_up()
        return True

    def _end_used_up(self) -> None:
        self.store.set(used_up=True)
        done = sum(trial.counts for trial in self.store.trials())
        self.monitor.note(
            f"space {self.space.name} has no further design within {self.config.limits}: the study ends with {done} of "
            f"{plural(self.config.trials, 'trial')}"
        )

    def _distributions(self, params: Params) -> dict[str, BaseDistribution]:
        values = {variable.name: variable.values for variable in self.space.variables}
        return {name: CategoricalDistribution(values[name]) for name in params}

    def wait(self) -> None:
        """Let some time pass before the next look."""
        time.sleep(POLL)

    def next_job(self) -> Job | None:
        """Return what is to be evaluated next: the reference design with a second seed where that is due, or a design.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
        """
        if self._second is None and (job := self._reference(last=self.over)) and job.start():
            self._second = job
            return job
        return None if self.over or self._is_too_early() else self.ask()

    @property
    def lag(self) -> int:
        """How many trials before a proposal our sampler knows by their design alone, where several run at once.

        With this many, a worker waits for another only where that one takes three times as long. The proposals then
        depend on the number of workers, but not on which of them is faster.
        """
        workers = self.session.workers or 1
        return 2 * workers - 1 if workers > 1 and self.config.sampler == "pareto" else 0

    def _is_too_early(self) -> bool:
        """Whether the next proposal is to know the result of a trial that still runs."""
        if not self.lag or self.store.frozen(TrialState.WAITING):
            return False
        known = len(self.store.frozen()) - self.lag
        return any(trial.number < known for trial in self.store.frozen(TrialState.RUNNING))

    def tell(self, job: Job, result: Trial | float | Exception | Died) -> None:
        """Store what a job gave: a design's trial, or the reference design's score or why there is none.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
        """
        if isinstance(job, SecondSeed):
            self._second = None
            if not isinstance(result, Died):  # else its attempt counts, and another is made
                assert isinstance(result, float | Exception)
                job.finish(result)
        elif isinstance(result, Died):
            self.queue.lose(job.running, result.who, result.blame)
        else:
            assert isinstance(result, Trial)
            self._end(job.running, result)
            if result.counts:
                self._score_reference()

    def queue_uniform(self) -> bool:
        """Queue a design drawn uniformly from those that are in no trial; False where there is none.

        Of some draws the first is taken that is predicted to be fast enough, or where none is, the last.
        """
        seed = self.config.seed + len(self.store.frozen()) + self._salt()
        known = {trial.spec for trial in self.store.trials() if trial.spec}
        known |= set(designs_under_way(self.store, self.space))
        drawn: list[Spec] = []
        for number in range(_DRAWS):
            drawn = self.space.draw(1, self.config.limits.counted, seed + number * _APART, exclude=known, fewer=True)
            if not drawn or self._may_be_fast_enough(drawn[0]):
                break
        for spec in drawn:
            self.store.study.enqueue_trial(self.space.encode(spec))
        return bool(drawn)

    def put_back(self, job: Job) -> None:
        """Queue a design again whose evaluation was interrupted."""
        if isinstance(job, SecondSeed):
            job.cancel()
        else:
            self.queue.put_back(job.running)

    def _consider(self, running: optuna.Trial) -> DesignJob | Trial | None:
        """Return the job of a started trial, or how it is rejected, or None where it is one too many."""
        facts = running.user_attrs
        anchor, deaths = facts.get("anchor"), facts.get("deaths", 0)
        try:
            spec = self._published(anchor) if anchor and OUTSIDE in facts else self._chosen(running)
        except InvalidDesign as error:
            return self._trial(running.number, "invalid", why=str(error))
        if deaths >= DEATHS:
            why = f"its worker died {deaths} times, the last time {facts.get('killed')}"
            return self._trial(running.number, "failed", spec, why, anchor)
        found = self._admit(running, spec)
        if found.word == "surplus":
            self.queue.give_up(running)
            return None
        if found.word == "duplicate":
            return self._trial(running.number, "duplicate", spec, f"the same network as trial {found.of}", anchor)
        self.queue.grant(running)
        return DesignJob(running, spec, anchor)

    def _published(self, name: str) -> Spec:
        return self.space.published([published(name)])[name]

    def _chosen(self, running: optuna.Trial) -> Spec:
        """Have a trial's params chosen, where they are not queued, and return its design.

        Raises:
            InvalidDesign: they make none.
        """
        with batched(self.store.storage):
            params = self.space.choose(lambda v: running.suggest_categorical(v.name, v.values))
        return self.space.decode(params)

    def _admit(self, running: optuna.Trial, spec: Spec) -> Verdict:
        self.store.storage.set_trial_system_attr(trial_id(running), CLAIM, spec.id)
        while True:
            frozen = self.store.frozen()
            if spec in self._evaluated(frozen):
                return Verdict("duplicate", self._seen[spec])
            found = admit(running.number, spec.id, frozen, self._total)
            if found.word != "wait":
                return found
            self.wait()

    def _evaluated(self, frozen: list[FrozenTrial] | None = None) -> dict[Spec, int]:
        """Return the designs of which measuring again would tell nothing new, whoever measured them."""
        for trial in self.store.trials(frozen):
            if trial.number not in self._known:
                self._known.add(trial.number)
                if trial.spec and trial.evaluated and not rejected_unsure(trial, self.config.limits):
                    self._seen[trial.spec] = trial.number
        return self._seen

    def _end(self, running: optuna.Trial, trial: Trial) -> None:
        with deferring_interrupts():  # what was evaluated is not thrown away
            stored = self.queue.end(running, trial)
        if not stored:
            return
        if trial.spec is not None and trial.evaluated:
            self._set_seconds()
            self.monitor.ended(trial, self.store.record())
        self.streaks.add(trial)

    def _set_seconds(self) -> None:
        """Store the wall time of the searching; of several workers, the longest counts."""
        seconds = self._before + time.monotonic() - self._start
        if seconds > self.store.study.user_attrs.get("seconds", 0.0):
            self.store.set(seconds=seconds)

    def _may_be_fast_enough(self, spec: Spec) -> bool:
        return not predicted_violation(spec, self.session.evaluator.timing_of(spec), self.config.limits)

    def _salt(self) -> int:
        """Return 0, or where others work on the study a number of this process, so that they draw other designs."""
        owners = {owner_of(trial) for trial in self.store.frozen(TrialState.RUNNING)} - {None, self.queue.owner}
        alone = all(owner.gone for owner in owners if owner)
        return 0 if alone else zlib.crc32(str(self.queue.owner).encode())

    def _score_reference(self, last: bool = False) -> None:
        if self.score and (job := self._reference(last)):
            score_reference(job, self.score)

    def _reference(self, last: bool) -> SecondSeed | None:
        """Return the scoring of the reference design with a second seed, where that is due and this worker's part."""
        trial = reference_trial(self.store, self.queue.owner, last)
        proxy = self.session.evaluator.proxy
        if trial and (self.config.accuracy == "estimate" or rests_on(proxy)):
            settle_reference(self.store, trial, self.config, proxy.worst)
            return None
        return SecondSeed(self.store, trial, self.config, proxy.worst, self.monitor.note) if trial else None
