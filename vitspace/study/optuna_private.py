"""What we use of Optuna's private names, in one place: a release of Optuna that changes them breaks this file alone."""

from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial


def trial_id(trial: optuna.Trial | FrozenTrial) -> int:
    """Return a trial's number in its storage, which counts the trials of all studies."""
    return trial._trial_id


def storage_of(study: optuna.Study) -> BaseStorage:
    """Return the storage that a study is in."""
    return study._storage


def study_id(study: optuna.Study) -> int:
    """Return a study's number in its storage."""
    return study._study_id


def take_waiting(study: optuna.Study) -> int | None:
    """Take the next queued trial, as `optuna.Study.ask` does, and return its id; None where none waits."""
    study._thread_local.cached_all_trials = None
    return study._pop_waiting_trial_id()


def backend_of(storage: BaseStorage) -> Any:
    """Return the file behind a journal storage; None for other storages that have no back end of their own."""
    return getattr(storage, "_backend", None)
