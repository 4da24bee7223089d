"""Lists, describes and deletes stored studies, without torch."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from vitspace.errors import InputError, shown
from vitspace.searching.idle import idle_share
from vitspace.searching.lease import BEATS, LeaseTiming, Owner, owner_of
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE, open_storage
from vitspace.study.store import StudyStore, study_names

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudySummary:
    """How far a study is.

    Attributes:
        study: Its name.
        space: What it searches.
        budget: FLOPs (multiply-adds), as they were written.
        proxy: What stands in for accuracy.
        engine: What ran its trials last.
        complete: Completed trials.
        trials: Completed trials that were asked for.
        running: Trials that are evaluated now.
        lost: Trials whose process was killed, as far as this host can see.
        front: Designs on the Pareto front.
        hypervolume: Share of the box under the reference point that the front dominates, 0 to 1.
        seconds: Wall time of the search so far.
    """

    study: str
    space: str
    budget: str | None
    proxy: str
    engine: str
    complete: int
    trials: int
    running: int
    lost: int
    front: int
    hypervolume: float
    seconds: float


@dataclass(frozen=True)
class StudyDetails:
    """How a study's trials ended, and who runs the others.

    Attributes:
        summary: How far it is.
        states: Ended trials by state.
        idle_share: Share of time, from the first end of a trial to the last, that went to no evaluation; None where no
            process ended two trials.
        workers: The processes that evaluate its trials, as ``process 12 on node-1``.
        lost_workers: The killed processes whose trials are lost.
        config: What the study was asked.
    """

    summary: StudySummary
    states: dict[str, int]
    idle_share: float | None
    workers: list[str]
    lost_workers: list[str]
    config: StudyConfig

    def to_json(self) -> dict[str, Any]:
        """Return what ``vitspace studies show --json`` prints."""
        return asdict(self.summary) | {
            "states": self.states,
            "idle_share": self.idle_share,
            "workers": self.workers,
            "lost_workers": self.lost_workers,
            "config": self.config.model_dump(),
        }


def list_studies(storage: str = DEFAULT_STORAGE) -> list[StudySummary]:
    """Return a summary of each study in a storage.

    Studies of other programs, and those whose process was killed before it had stored what they were asked, are left
    out with a warning.

    Args:
        storage: A journal file, a database URL, or ``grpc://HOST:PORT``.

    Raises:
        InputError: the storage cannot be reached.
    """
    opened = open_storage(storage, create=False)
    stores = [StudyStore.load(opened, name, designs=False, whole=False) for name in study_names(opened)]
    if others := [store.name for store in stores if not store.is_whole]:
        _log.warning("left out, as no whole studies of vitspace: %s", ", ".join(map(shown, others)))
    return [summary for store in stores if store.is_whole and (summary := _readable(store))]


def describe_study(study: str, storage: str = DEFAULT_STORAGE) -> StudyDetails:
    """Return how a study's trials ended, who runs the others, and what it was asked.

    Args:
        study: Its name.
        storage: A journal file, a database URL, or ``grpc://HOST:PORT``.

    Raises:
        InputError: there is no such storage or study.
    """
    store = StudyStore.open(storage, study, designs=False)
    record = store.record()
    return StudyDetails(
        summary=_summary(store, record),
        states=dict(Counter(trial.state for trial in record.trials)),
        idle_share=idle_share(store.frozen(), record.reference.get("spec_id")),
        workers=_names(_owners(store, gone=False)),
        lost_workers=_names(_owners(store, gone=True)),
        config=record.config,
    )


def delete_study(
    study: str, storage: str = DEFAULT_STORAGE, confirm: Callable[[int], bool] = lambda trials: True
) -> bool:
    """Delete a study from its storage; its report stays.

    Where its workers are on other hosts, this waits one lease to see whether they still work.

    Args:
        study: Its name.
        storage: A journal file, a database URL, or ``grpc://HOST:PORT``.
        confirm: Is told how many trials the study has, and returns whether it is deleted.

    Returns:
        Whether it was deleted.

    Raises:
        InputError: there is no such study, or somebody works on it.
    """
    store = StudyStore.open(storage, study, designs=False, whole=False)
    if owners := _at_work(store):
        raise InputError(
            f"study {study} is not deleted while it runs, and {', '.join(_names(owners))} run it: stop them"
        )
    if not confirm(len(store.trials())):
        return False
    optuna.delete_study(study_name=study, storage=store.storage)
    return True


def _readable(store: StudyStore) -> StudySummary | None:
    """Return a study's summary; of one that VitSpace did not store so, None, with a warning."""
    try:
        return _summary(store, store.record())
    except InputError as error:
        _log.warning("left out %s: %s", shown(store.name), error)
        return None


def _summary(store: StudyStore, record: StudyRecord) -> StudySummary:
    return StudySummary(
        study=record.name,
        space=record.config.space,
        budget=record.config.budget,
        proxy=record.config.proxy,
        engine=record.config.engine,
        complete=len(record.completed),
        trials=record.config.trials,
        running=len(_owners(store, gone=False)),
        lost=len(_owners(store, gone=True)),
        front=len(record.front),
        hypervolume=record.hypervolume,
        seconds=record.seconds,
    )


def _owners(store: StudyStore, gone: bool) -> list[Owner]:
    """Return the processes that run a trial, or those that were killed; of other hosts' none is known to be killed."""
    owners = [owner_of(trial) for trial in store.frozen(TrialState.RUNNING)]
    return [owner for owner in owners if owner and owner.gone == gone]


def _at_work(store: StudyStore) -> list[Owner]:
    """Return the processes that work on a study; those of other hosts are seen by their beats within one lease."""
    owners = _owners(store, gone=False)
    timing = LeaseTiming.from_environment()
    if not owners or any(owner.is_here for owner in owners):
        return owners
    lease = max(owner.lease for owner in owners) + timing.heartbeat
    _log.warning("waiting %g s, to see whether %s works on it", lease, ", ".join(_names(owners)))
    before = {trial.number: trial.system_attrs.get(BEATS) for trial in store.frozen()}
    time.sleep(lease)
    moved = [trial for trial in store.frozen() if trial.system_attrs.get(BEATS) != before.get(trial.number)]
    return [owner for trial in moved if (owner := owner_of(trial))]


def _names(owners: Iterable[Owner]) -> list[str]:
    return list(dict.fromkeys(map(str, owners)))
