"""Studies in Optuna's storage, which is the record whatever engine ran them."""

import json
import math
import os
import shlex
import warnings
from dataclasses import fields
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from vitspace.errors import InputError, shown
from vitspace.folders import check_folder
from vitspace.study.config import BEFORE, StudyConfig
from vitspace.study.optuna_private import storage_of, study_id, trial_id
from vitspace.study.passwords import path_without_password, storage_without_password
from vitspace.study.reading import (
    as_retimed,
    check_name,
    read_facts,
    read_record,
    read_trial_facts,
    retimed_fact,
    retimed_name,
)
from vitspace.study.record import OBJECTIVES, StudyRecord
from vitspace.study.speed import trials_at_one_speed
from vitspace.study.storage import DEFAULT_STORAGE, open_storage, storage_file, url_of
from vitspace.study.trial import Trial

DIRECTIONS = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE, StudyDirection.MINIMIZE)

#: Where a trial's result stands among its user attributes: one fact, so that a database stores it in one transaction.
RESULT = "result"

#: The attribute of a copy that names the process which makes it.
COPYING = "copying"

#: What to do about a name that is taken.
GO_ON = "; go on with --resume"

_FIELDS = {f.name for f in fields(Trial)} - {"number"}


def study_names(storage: BaseStorage) -> list[str]:
    """Return the names of the stored studies."""
    return optuna.get_all_study_names(storage)


def free_name(storage: BaseStorage, name: str) -> str:
    """Return the name, or with ``-2``, ``-3`` where it is taken."""
    taken, number = set(study_names(storage)), 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def name_is_taken(name: str, cure: str = GO_ON) -> str:
    """Return what is said of a new study's name that is taken, and what to do about it."""
    return f"a new study has a name of its own, but {name!r} exists{cure}"


def check_new(url: str, name: str, taken: bool = False, cure: str = GO_ON) -> None:
    """Check a new study's name without making anything.

    Args:
        url: The storage.
        name: The name.
        taken: Whether a name that is taken is fine, since another is found for it.
        cure: What the error says of a name that is taken.

    Raises:
        InputError: the name is no file name, a study of that name is stored, or the storage cannot be had or written.
    """
    check_name(name)
    file = storage_file(url)
    if (file is None or file.exists()) and name in study_names(open_storage(url)) and not taken:
        raise InputError(name_is_taken(name, cure))
    if file and not file.resolve().parent.is_dir():
        missing = path_without_password(str(file.resolve().parent))
        raise InputError(f"a storage lies in an existing folder, but there is no {missing!r}")
    if file and not file.exists():
        check_folder(file.resolve().parent, "a storage")
    elif file and not os.access(file, os.W_OK):
        raise InputError(f"a storage can be written, but {path_without_password(str(file))!r} may only be read")


class StudyStore:
    """One study in a storage.

    Args:
        study: As Optuna opened it.
        designs: Whether trials are read with their specs, for which every family, and torch, is imported.
    """

    def __init__(self, study: optuna.Study, designs: bool = True) -> None:
        self.study, self.designs = study, designs
        self._ended: dict[int, Trial] = {}

    @classmethod
    def create(cls, storage: BaseStorage, name: str, config: StudyConfig, resolved: dict[str, Any]) -> "StudyStore":
        """Make a study.

        Raises:
            InputError: the name is taken.
        """
        try:
            study = optuna.create_study(storage=storage, study_name=name, directions=DIRECTIONS)
        except optuna.exceptions.DuplicatedStudyError:
            raise InputError(name_is_taken(name)) from None
        with warnings.catch_warnings():
            # Experimental in name since Optuna 3.2; the dashboard labels its axes with it.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(list(OBJECTIVES))
        study.set_user_attr("resolved", resolved)
        study.set_user_attr("config", config.model_dump())
        return cls(study)

    @classmethod
    def load(cls, storage: BaseStorage, name: str, designs: bool = True, whole: bool = True) -> "StudyStore":
        """Open a stored study; see `StudyStore` for ``designs``.

        Raises:
            InputError: there is none of that name; or ``whole`` is asked for, and `create` did not come to its end.
        """
        names = study_names(storage)
        if name not in names:
            raise InputError(f"a study is one of {', '.join(names) or '(none stored)'}, but got {shown(name)}")
        store = cls(optuna.load_study(storage=storage, study_name=name), designs)
        if whole and not store.is_whole:
            cure = f"vitspace studies delete {shlex.quote(name)} removes it"
            if COPYING in store.study.user_attrs:
                raise InputError(f"study {name!r} is an interrupted copy: copy it again, or {cure}")
            raise InputError(
                f"study {name!r} has no configuration: another program made it, or vitspace was killed while it made "
                f"it; {cure}"
            )
        if whole:
            check_name(name)
        return store

    @classmethod
    def open(cls, url: str, name: str, designs: bool = True, whole: bool = True) -> "StudyStore":
        """Open a study of a storage that is there; see `load`.

        Raises:
            InputError: there is no such storage or study.
        """
        return cls.load(open_storage(url, create=False), name, designs, whole)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name

    @property
    def url(self) -> str:
        """The path or URL of the storage that the study is in."""
        return url_of(self.storage)

    @property
    def is_whole(self) -> bool:
        """Whether `create` came to its end."""
        return "config" in self.study.user_attrs

    @property
    def config(self) -> StudyConfig:
        """What the study was asked; engine and sampler are those of who went on with it last."""
        facts = read_facts(self.study.user_attrs)
        config: StudyConfig = facts["config"]
        runs = facts.get("resolved", {}).get("resumed") or [{}]
        latest = {name: runs[-1][name] for name in ("engine", "sampler") if name in runs[-1]}
        return StudyConfig.of(config.model_dump() | latest) if latest else config

    @property
    def used_up(self) -> bool:
        """Whether the space holds no further design within the budget."""
        return bool(self.study.user_attrs.get("used_up"))

    def set(self, **values: Any) -> None:
        """Store facts of the study, by the names that `vitspace.study.reading.StudyFacts` has."""
        for name, value in values.items():
            self.study.set_user_attr(name, value.model_dump() if isinstance(value, StudyConfig) else value)

    def save(self, running: optuna.Trial, trial: Trial) -> None:
        """Store a trial's result and end it.

        Raises:
            optuna.exceptions.UpdateFinishedTrialError: it was ended by others meanwhile.
        """
        facts = trial.to_dict()
        result = {name: storable(facts[name]) for name in sorted(_FIELDS) if facts[name] not in (None, "", {})}
        # Not by the trial's own method, which changes what is in memory before the journal has taken it.
        self.storage.set_trial_user_attr(trial_id(running), RESULT, result)
        self.study.tell(running, _objectives(trial), _ends_as(trial))

    def retime(self, trial: Trial) -> None:
        """Store what timing an ended trial's design again made of it: its latency, state and why."""
        self.study.set_user_attr(retimed_name(trial.number), storable(retimed_fact(trial)))

    def is_saved(self, running: optuna.Trial, trial: Trial) -> bool:
        """Whether a trial ended with the result that `save` was given; not told of failed ones, as lost ones end so."""
        stored, state = self.storage.get_trial(trial_id(running)), _ends_as(trial)
        return stored.state == state != TrialState.FAIL and has_result(stored)

    def finish(self, lost: FrozenTrial) -> bool:
        """End a trial whose process is gone: as its result says if that was written, or else as failed.

        Raises:
            optuna.exceptions.UpdateFinishedTrialError: it was ended by others meanwhile.
        """
        if not has_result(lost):
            return self.storage.set_trial_state_values(trial_id(lost), TrialState.FAIL)
        trial = read_trial(lost)
        return self.storage.set_trial_state_values(trial_id(lost), _ends_as(trial), _objectives(trial))

    def resume(self, config: StudyConfig, run: dict[str, Any]) -> None:
        """Store a resumed study's new total of trials, and who goes on with it."""
        attrs = self.study.user_attrs
        resolved = attrs.get("resolved", {})
        runs = [*resolved.get("resumed", []), run]
        stored = StudyConfig.of(BEFORE | attrs["config"] | {"trials": config.trials})
        self.set(config=stored, resolved=resolved | {"resumed": runs}, used_up=False)

    def record(self) -> StudyRecord:
        """Read the study.

        Raises:
            InputError: what is stored is not what VitSpace stores; see `vitspace.study.reading`.
        """
        where = storage_without_password(self.url or DEFAULT_STORAGE)
        return read_record(self.study.study_name, self.study.user_attrs, self.trials(), where)

    def trials(self, frozen: list[FrozenTrial] | None = None) -> list[Trial]:
        """Return the ended trials, of those given or of all as they are stored now, as they were timed last.

        Their latencies are at one speed of the machine.
        """
        for each in self.frozen() if frozen is None else frozen:
            if each.number not in self._ended and each.state.is_finished() and has_result(each):
                self._ended[each.number] = read_trial(each, self.designs)
        attrs = self.storage.get_study_user_attrs(self.study_id)
        return trials_at_one_speed([as_retimed(self._ended[number], attrs) for number in sorted(self._ended)])

    def frozen(self, *states: TrialState) -> list[FrozenTrial]:
        """Return the trials as they are stored, or those in the given states."""
        return self.storage.get_all_trials(self.study_id, deepcopy=False, states=states or None)

    @property
    def storage(self) -> BaseStorage:
        """Where the study is."""
        return storage_of(self.study)

    @property
    def study_id(self) -> int:
        """The study's number in its storage."""
        return study_id(self.study)


def _ends_as(trial: Trial) -> TrialState:
    """Return the state in which Optuna keeps a trial."""
    if trial.counts:
        return TrialState.COMPLETE
    return TrialState.FAIL if trial.state == "failed" else TrialState.PRUNED


def _objectives(trial: Trial) -> list[float] | None:
    """Return the values that Optuna keeps of a trial; None where it is not to be complete."""
    if not trial.counts:
        return None
    score, macs, latency_ms = trial.point
    return [-score, macs / 1e9, latency_ms]


def has_result(frozen: FrozenTrial) -> bool:
    """Whether a stored trial's result was written."""
    return "state" in _result(frozen)


def read_trial(frozen: FrozenTrial, design: bool = True) -> Trial:
    """Return a stored trial as it was saved, or all of it but its design."""
    facts = _result(frozen)
    return read_trial_facts(facts | {"number": frozen.number}, facts.get("spec") if design else None)


def _result(frozen: FrozenTrial) -> dict[str, Any]:
    # Studies made before the result was one fact have an attribute for each of its fields.
    return frozen.user_attrs.get(RESULT, frozen.user_attrs)


def storable(value: Any) -> Any:
    """Return a value as JSON can hold it: arrays become lists, and numbers that are not finite None.

    Raises:
        TypeError: JSON cannot hold it.
    """
    value = value.tolist() if hasattr(value, "tolist") else value  # of numpy and torch, scalars too
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return json.loads(json.dumps(value))
