"""The queue of a study's trials: starts them, ends them, and runs the designs of lost ones again.

A lost trial (see `vitspace.searching.lease`) is ended as failed, without a result. Its design is queued again as a new
trial, which names the lost one as ``retry_of``. The storage lets a trial end only once. So only one of several watchers
ends a lost trial, and a worker that was slow rather than dead can no longer store a result for it. Where two watchers
queue a design again, the later of the two trials is dropped.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial

from vitspace.anchors import anchor
from vitspace.errors import InputError
from vitspace.searching.lease import BEATS, OWNER, LeaseTiming, Owner, Watch, owner_of
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.study.optuna_private import take_waiting, trial_id
from vitspace.study.store import StudyStore, has_result
from vitspace.study.trial import Trial
from vitspace.study.troubles import StorageError
from vitspace.words import plural

#: Workers that may die of one design; then it is given up.
DEATHS = 2
#: Says of a queued anchor that it is no design of the study's space, and has no params.
OUTSIDE = "outside"

_log = logging.getLogger(__name__)


class Queue:
    """One worker's view of a study's trials; while entered, it beats for its own trials and queues lost ones again.

    Args:
        store: The study.
        timing: The lease and the heartbeat; None reads the environment.
        note: Is told of lost trials.
        make: Makes the trial of a design whose evaluation was interrupted.
        evaluates: Whether this process evaluates designs itself; see `Owner`.

    Raises:
        InputError: the environment's lease breaks a rule.
    """

    def __init__(
        self,
        store: StudyStore,
        timing: LeaseTiming | None = None,
        note: Callable[[str], None] = _log.info,
        make: Callable[..., Trial] = Trial,
        evaluates: bool = True,
    ) -> None:
        self.store, self.note, self.make = store, note, make
        self.timing = timing or LeaseTiming.from_environment()
        self.owner = Owner.here(self.timing.lease, evaluates)
        self._beats: dict[int, int] = {}
        self._granted: set[int] = set()
        self._running, self._orphans = Watch(self.timing), Watch(self.timing)
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._keep, daemon=True)
        self._lock = threading.Lock()

    def __enter__(self) -> "Queue":
        self.sweep()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=self.timing.heartbeat)

    def ask(self) -> optuna.Trial:
        """Start a trial in this process's name: a queued one, or a new one."""
        while True:
            running = self._next()
            if not self._is_second_retry(running):
                return running
            self._drop(running)

    def start(self, params: dict[str, Any], distributions: dict[str, BaseDistribution]) -> optuna.Trial:
        """Start a new trial of given params in this process's name."""
        return self._new(create_trial(state=TrialState.RUNNING, params=params, distributions=distributions))

    def _next(self) -> optuna.Trial:
        """Start a trial as `optuna.Study.ask` does, with the owner stored before the sampler proposes a design."""
        waiting = take_waiting(self.store.study)
        if waiting is None:
            return self._new(create_trial(state=TrialState.RUNNING))
        self.store.storage.set_trial_system_attr(waiting, OWNER, self.owner.to_dict())
        self._beats[waiting] = 0
        return optuna.Trial(self.store.study, waiting)

    def _new(self, design: FrozenTrial) -> optuna.Trial:
        design.system_attrs = {OWNER: self.owner.to_dict()}
        made = self.store.storage.create_new_trial(self.store.study_id, design)
        self._beats[made] = 0
        return optuna.Trial(self.store.study, made)

    def grant(self, running: optuna.Trial) -> None:
        """Store with the next beat that this worker may evaluate a trial; see `vitspace.searching.claims`."""
        self._granted.add(trial_id(running))

    def end(self, running: optuna.Trial, trial: Trial) -> bool:
        """Store a trial's result; return False where the trial was taken from this worker meanwhile."""
        try:
            self.store.save(running, trial)
        except (UpdateFinishedTrialError, ValueError):
            # ValueError is what Optuna raises where the state changed between its own look and its write.
            if not self.store.storage.get_trial(trial_id(running)).state.is_finished():
                raise
            if self.store.is_saved(running, trial):
                return True  # it was stored, then the connection was lost, and the second attempt found it ended
            self.was_taken(running)
            return False
        finally:
            self._forget(trial_id(running))
        return True

    def was_taken(self, running: optuna.Trial) -> None:
        """Drop a trial that another worker ended, since this one did not beat for a lease."""
        self._forget(trial_id(running))
        self.note(f"trial {running.number} was taken for lost and is run elsewhere, so it is dropped here")

    def put_back(self, running: optuna.Trial) -> None:
        """Queue the design of an interrupted trial again, and end the trial."""
        frozen = self.store.storage.get_trial(trial_id(running))
        if frozen.state == TrialState.RUNNING:
            if self._requeue(frozen, deaths=frozen.user_attrs.get("deaths", 0)):
                self.end(running, self.make(running.number, "pruned", why="interrupted, and queued again"))
            else:
                self._drop(running)

    def give_up(self, running: optuna.Trial) -> None:
        """End a trial that is not needed, without a result; a design that was queued is queued again."""
        frozen = self.store.storage.get_trial(trial_id(running))
        if "fixed_params" in frozen.system_attrs:
            self._requeue(frozen, deaths=frozen.user_attrs.get("deaths", 0))
        self._drop(running)

    def sweep(self) -> int:
        """End the trials that are lost, queue their designs again, and return how many."""
        with self._lock:
            lost = [trial for trial in self._running.lost(self.store.frozen(TrialState.RUNNING)) if self._end(trial)]
            for trial in lost:
                owner = owner_of(trial)
                self._run_again(trial, _whose(trial), owner is None or owner.evaluates)
            self._adopt_orphans()
        return len(lost)

    def lose(self, running: optuna.Trial, whose: str, blame: bool) -> None:
        """End a trial whose evaluating process was killed, and queue its design again.

        Args:
            running: The trial.
            whose: The process that was killed, for messages.
            blame: Whether the design may have killed it.
        """
        frozen = self.store.storage.get_trial(trial_id(running))
        if frozen.state == TrialState.RUNNING and self._end(frozen):
            self._run_again(frozen, whose, blame)
        self._forget(trial_id(running))

    def _run_again(self, trial: FrozenTrial, whose: str, blame: bool) -> None:
        """Queue the design of a trial that ended without a result."""
        if has_result(trial):
            return
        deaths = trial.user_attrs.get("deaths", 0) + blame
        again = "run again" if deaths < DEATHS else f"given up, after {plural(deaths, 'worker')}"
        if not self._requeue(trial, deaths, whose):
            again = "left out, as it had no design yet"
        self.note(f"trial {trial.number} of {whose} is lost, and is {again}")

    def _adopt_orphans(self) -> None:
        """Queue the designs of lost trials whose watcher died between ending them and queueing their designs."""
        failed = [trial for trial in self.store.frozen(TrialState.FAIL) if not has_result(trial)]
        if not failed:
            return
        known = {trial.user_attrs.get("retry_of") for trial in self.store.frozen()}
        orphans = [trial for trial in failed if trial.number not in known and _has_design(trial)]
        for trial in self._orphans.still(orphans):
            self._requeue(trial, trial.user_attrs.get("deaths", 0) + 1, _whose(trial))

    def _end(self, trial: FrozenTrial) -> bool:
        """End a lost trial; return False where another watcher or its owner has ended it."""
        try:
            return self.store.finish(trial)
        except UpdateFinishedTrialError:
            return False

    def _requeue(self, trial: FrozenTrial, deaths: int, whose: str = "") -> bool:
        """Queue a trial's design again; return False where none was chosen yet."""
        if not _has_design(trial):
            return False
        facts: dict[str, Any] = {name: trial.user_attrs.get(name) for name in ("anchor", OUTSIDE)}
        facts |= {"deaths": deaths, "retry_of": trial.number}
        if deaths:
            facts["killed"] = whose or trial.user_attrs.get("killed", "")
        self.store.study.enqueue_trial(
            design_params(trial), user_attrs={name: value for name, value in facts.items() if value is not None}
        )
        return True

    def _is_second_retry(self, running: optuna.Trial) -> bool:
        first = running.user_attrs.get("retry_of")
        return first is not None and any(
            trial.user_attrs.get("retry_of") == first and trial.number < running.number for trial in self.store.frozen()
        )

    def _drop(self, running: optuna.Trial) -> None:
        self._forget(trial_id(running))
        self.store.storage.set_trial_state_values(trial_id(running), TrialState.PRUNED)

    def _keep(self) -> None:
        """Beat and sweep until the queue is left; an error is told once, and does not end the thread."""
        told = ""
        while not self._stop.wait(self.timing.heartbeat):
            try:
                self._beat()
                self.sweep()
                why = ""
            except StorageError as error:
                why = f"no heartbeat: {error}"
            except Exception as error:
                # Without this thread the trial would go on until another worker takes it for lost.
                why = f"no heartbeat: {type(error).__name__}: {error}"
            if why and why != told:
                self.note(why)
            told = why

    def _beat(self) -> None:
        for mine in list(self._beats):
            try:
                beats = self._beats[mine] + 1
                self.store.storage.set_trial_system_attr(mine, BEATS, [beats, mine in self._granted])
                self._beats[mine] = beats
            except (KeyError, UpdateFinishedTrialError):
                self._forget(mine)  # it ended meanwhile

    def _forget(self, ended: int) -> None:
        self._beats.pop(ended, None)
        self._granted.discard(ended)


def design_params(trial: FrozenTrial) -> dict[str, Any]:
    """Return the params of a trial's design that are known: those that were queued, and those chosen so far."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def design_of(trial: FrozenTrial, space: Space) -> Spec | None:
    """Return the design of a trial that waits or runs; None where its params are still chosen, or make none."""
    if trial.user_attrs.get(OUTSIDE):
        row = anchor(trial.user_attrs["anchor"])
        return space.published([row]).get(row.id)
    try:
        return space.decode(design_params(trial))
    except InputError:
        return None


def designs_under_way(store: StudyStore, space: Space) -> list[Spec]:
    """Return the designs of the trials that run or wait; one of which only a part is known counts as none."""
    trials = store.frozen(TrialState.RUNNING, TrialState.WAITING)
    return [spec for trial in trials if (spec := design_of(trial, space))]


def _has_design(trial: FrozenTrial) -> bool:
    return bool(design_params(trial) or trial.user_attrs.get(OUTSIDE))


def _whose(trial: FrozenTrial) -> str:
    return str(owner_of(trial) or "a process without a name")
