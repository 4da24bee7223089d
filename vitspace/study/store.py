"""Store: studies in Optuna's storage, which is the record whatever engine ran them."""

import json
import logging
import os
import platform
import re
import warnings
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from vitspace.errors import InputError
from vitspace.study.config import StudyConfig
from vitspace.study.record import OBJECTIVES, StudyRecord
from vitspace.study.trial import Trial

DEFAULT_STORAGE = "studies.journal"
#: How long a running trial may stand without its process's name.
NAMELESS_SECONDS = 30
DIRECTIONS = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE, StudyDirection.MINIMIZE)

_STATES = {"complete": TrialState.COMPLETE, "failed": TrialState.FAIL}
_FIELDS = {f.name for f in fields(Trial)} - {"number"}

_log = logging.getLogger(__name__)

optuna.logging.set_verbosity(optuna.logging.WARNING)


def open_storage(url: str = DEFAULT_STORAGE, create: bool = True) -> BaseStorage:
    """Open a journal file (a path), or a database (a URL such as ``sqlite:///studies.db``).

    Raises:
        InputError: the storage cannot be reached or is damaged.
    """
    file = _file(url)
    if file and not create and not file.exists():
        raise InputError(f"a storage is a journal file or a database URL, but there is no file {str(file)!r}")
    if file and not file.resolve().parent.is_dir():
        raise InputError(f"a storage lies in an existing folder, but there is no {str(file.resolve().parent)!r}")
    if file and file.is_dir():
        raise InputError(f"a storage is a file, but {str(file)!r} is a folder")
    try:
        if "://" in url:
            return RDBStorage(url)
        _mend_journal(Path(url))
        return JournalStorage(JournalFileBackend(url))
    except InputError:
        raise
    except Exception as error:
        # Drivers raise their own types; whichever it is, the storage is not to be had.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the storage {url!r} cannot be reached: {reason}") from None


def _file(url: str) -> Path | None:
    """Return the file of a journal or of an SQLite database, or None for a server's URL."""
    if "://" not in url:
        return Path(url)
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def _mend_journal(path: Path) -> None:
    """Drop an incomplete last line, which a power cut may leave; what is appended to it would be lost."""
    if not path.exists() or not path.stat().st_size:
        return
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        with path.open("r+b") as journal:
            end = journal.seek(0, os.SEEK_END)
            tail = min(end, 1 << 20)
            journal.seek(end - tail)
            text = journal.read()
            if not text.endswith(b"\n"):
                cut = end - tail + text.rfind(b"\n") + 1
                _log.warning("%s ends in an incomplete record, which is dropped", path)
                journal.truncate(cut)
    finally:
        lock.release()


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


def check_new(url: str, name: str, taken: bool = False) -> None:
    """Check a new study's name without making anything; ``taken`` names are fine where another is found for them.

    Raises:
        InputError: the name is no file name, a study of that name is stored, or the storage cannot be reached.
    """
    if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
        raise InputError(f"a study's name is of letters, digits and . _ - +, since it names a folder, but got {name!r}")
    file = _file(url)
    if (file is None or file.exists()) and name in study_names(open_storage(url)) and not taken:
        raise InputError(_taken(name))
    if file and not file.resolve().parent.is_dir():
        raise InputError(f"a storage lies in an existing folder, but there is no {str(file.resolve().parent)!r}")


def _taken(name: str) -> str:
    return f"a new study has a name of its own, but {name!r} exists; go on with --resume"


class StudyStore:
    """One study in a storage."""

    def __init__(self, study: optuna.Study) -> None:
        self.study = study

    @classmethod
    def create(cls, storage: BaseStorage, name: str, config: StudyConfig, resolved: dict[str, Any]) -> "StudyStore":
        """Make a study.

        Raises:
            InputError: the name is taken.
        """
        try:
            study = optuna.create_study(storage=storage, study_name=name, directions=DIRECTIONS)
        except optuna.exceptions.DuplicatedStudyError:
            raise InputError(_taken(name)) from None
        with warnings.catch_warnings():
            # Experimental in name since Optuna 3.2; the dashboard labels its axes with it.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(list(OBJECTIVES))
        study.set_user_attr("resolved", resolved)
        study.set_user_attr("config", config.model_dump())
        return cls(study)

    @classmethod
    def load(cls, storage: BaseStorage, name: str) -> "StudyStore":
        """Open a stored study.

        Raises:
            InputError: there is none of that name.
        """
        names = study_names(storage)
        if name not in names:
            raise InputError(f"a study is one of {', '.join(names) or '(none stored)'}, but got {name!r}")
        store = cls(optuna.load_study(storage=storage, study_name=name))
        if "config" not in store.study.user_attrs:
            raise InputError(f"a study is one that vitspace made, but {name!r} has no configuration stored")
        return store

    @property
    def config(self) -> StudyConfig:
        """What the study was asked."""
        return StudyConfig.of(self.study.user_attrs["config"])

    def set(self, **values: Any) -> None:
        """Store facts of the study: config, resolved, reference, reference_point, seconds."""
        for name, value in values.items():
            self.study.set_user_attr(name, value.model_dump() if isinstance(value, StudyConfig) else value)

    def save(self, running: optuna.Trial, trial: Trial) -> None:
        """Store a trial's result and end it; nothing counts until all of it is written."""
        stored = trial.to_dict()
        for name in sorted(_FIELDS):
            if stored[name] not in (None, "", {}):
                running.set_user_attr(name, _finite(stored[name]))
        values = _objectives(trial) if trial.complete else None
        self.study.tell(running, values, _STATES.get(trial.state, TrialState.PRUNED))

    def resume(self, config: StudyConfig, run: dict[str, Any]) -> None:
        """Store a resumed study's new total of trials, and who goes on with it."""
        resolved = self.study.user_attrs.get("resolved", {})
        runs = [*resolved.get("resumed", []), run]
        stored = self.config.model_copy(update={"trials": max(config.trials, self.config.trials)})
        self.set(config=stored, resolved=resolved | {"resumed": runs})

    def ask(self) -> optuna.Trial:
        """Start a trial in this process's name."""
        trial = self.study.ask()
        trial.set_user_attr("owner", _owner())
        return trial

    def requeue(self, number: int) -> None:
        """Queue the design of a trial that did not end."""
        trial = self.study.get_trials(deepcopy=False)[number]
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        anchor = trial.user_attrs.get("anchor")
        if params:
            self.study.enqueue_trial(params, user_attrs={"anchor": anchor} if anchor else None)

    def requeue_lost(self) -> int:
        """End the trials whose process is gone, queue their designs again, and return how many."""
        lost = [t for t in self.study.get_trials(states=(TrialState.RUNNING,)) if _is_lost(t)]
        for trial in lost:
            self.study.tell(trial.number, state=TrialState.FAIL)
            self.requeue(trial.number)
        return len(lost)

    def record(self) -> StudyRecord:
        """Read the study."""
        attrs = self.study.user_attrs
        point = attrs.get("reference_point")
        return StudyRecord(
            name=self.study.study_name,
            config=self.config,
            trials=self.trials(),
            resolved=attrs.get("resolved", {}),
            reference=attrs.get("reference", {}),
            reference_point=tuple(point) if point else None,
            seconds=attrs.get("seconds", 0.0),
        )

    def trials(self) -> list[Trial]:
        """Return the ended trials."""
        frozen = self.study.get_trials(deepcopy=False)
        return [_trial(t) for t in frozen if t.state.is_finished() and "state" in t.user_attrs]


def _objectives(trial: Trial) -> list[float]:
    score, macs, latency_ms = trial.point
    return [-score, macs / 1e9, latency_ms]


def _trial(frozen: FrozenTrial) -> Trial:
    return Trial.from_dict(
        {"number": frozen.number, "spec": None}
        | {name: value for name, value in frozen.user_attrs.items() if name in _FIELDS}
    )


def _owner() -> dict[str, Any]:
    return {"host": platform.node(), "pid": os.getpid(), "started": psutil.Process().create_time()}


def _is_lost(trial: FrozenTrial) -> bool:
    """Whether a running trial's process is gone; of other hosts nothing is known.

    A process writes its name right after it asks for a trial, so that one without a name for long is gone too.
    """
    owner = trial.user_attrs.get("owner")
    if owner is None:
        began = trial.datetime_start
        return began is not None and (datetime.now() - began).total_seconds() > NAMELESS_SECONDS
    if owner["host"] != platform.node():
        return False
    try:
        return abs(psutil.Process(owner["pid"]).create_time() - owner["started"]) > 1
    except psutil.NoSuchProcess:
        return True


def _finite(value: Any) -> Any:
    """Return the value as JSON can hold it."""
    return json.loads(json.dumps(value, allow_nan=False))
