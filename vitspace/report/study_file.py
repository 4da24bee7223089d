"""The file of a report that holds its study whole: written with the report, read where its storage is not."""

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from vitspace import __version__
from vitspace.anchors import all_anchors
from vitspace.errors import InputError
from vitspace.study.config import BEFORE, StudyConfig
from vitspace.study.record import OBJECTIVES, StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.trial import State, Trial

STUDY_FILE = "study.json"
#: What is not kept of a trial: its loss at every step.
_LEFT_OUT = {"curve"}
_MEASURED = ("score", "macs", "params", "latency_ms")
_STATES = get_args(State)
_FIELDS = {each.name for each in fields(Trial)}
_WORDS = {str: "text", dict: "a mapping", list: "a list", int: "a whole number", float: "a number"}
_KINDS = {
    "study": str,
    "config": dict,
    "resolved": dict,
    "reference": dict,
    "specs": dict,
    "trials": list,
    "seconds": float,
}
_TRIAL_KINDS = {"number": int, "latency": dict, "details": dict, "seconds": float}


def report_folder(name: str) -> Path:
    """Return where a study's report goes unless told otherwise."""
    return Path("reports") / name


def study_data(record: StudyRecord, out: Path | None = None) -> dict[str, Any]:
    """What `vitspace report --json` prints, with all that `read_study` needs and the designs by spec id."""
    data = record.to_json(str(out) if out else None)
    data["trials"] = [_trial_data(trial) for trial in record.trials]
    specs = {trial.spec.id: trial.spec.to_dict() for trial in record.trials if trial.spec}
    plain: dict[str, Any] = _plain(
        data
        | {"config": record.config.model_dump(), "resolved": record.resolved, "specs": specs}
        | {"screening": record.screened}
        | {"storage": record.storage, "digest": record.digest, "version": __version__}
    )
    return plain


def kept_json(record: StudyRecord, out: Path) -> dict[str, Any] | None:
    """Return what `vitspace report --json` prints, without loading a design, where a report shows a study as it is now.

    Args:
        record: The study as stored; it may have been read without its designs.
        out: The report's folder; None is returned where it holds no report, or one of other trials or another version.
    """
    try:
        data = json.loads((out / STUDY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no report, or none of ours: it is drawn anew
        return None
    current = isinstance(data, dict) and (data.get("digest"), data.get("version")) == (record.digest, __version__)
    if not current or not (out / "index.html").is_file():
        return None
    rows = {row["number"]: row for row in data["trials"]}
    printed = record.to_json(str(out))
    trials = [{name: rows[trial["number"]][name] for name in trial} for trial in printed["trials"]]
    return printed | {"trials": trials}


def read_study(path: Path) -> StudyRecord:
    """Read the study of a report, given its folder or its ``study.json``.

    Raises:
        InputError: there is no such file, or it holds no study.
    """
    file = path / STUDY_FILE if path.is_dir() else path
    try:
        return _record(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"a report's folder holds its {STUDY_FILE}, but {str(file)!r}: {error.strerror}") from None
    except KeyError as error:
        raise InputError(f"{file} holds no study that this version of vitspace reads: no key {error}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{file} holds no study that this version of vitspace reads: {error}") from None


def _record(data: dict[str, Any]) -> StudyRecord:
    _check(data, _KINDS)
    point = data["reference_point"]
    if point and not (len(point) == len(OBJECTIVES) and all(isinstance(value, int | float) for value in point)):
        raise InputError(f"reference_point has a number for each of {', '.join(OBJECTIVES)}, but got {point}")
    return StudyRecord(
        data["study"],
        StudyConfig.of(BEFORE | data["config"]),
        [_trial(row, data["specs"].get(row["spec_id"])) for row in data["trials"]],
        resolved=data["resolved"],
        screened=data.get("screening", {}),
        reference=data["reference"],
        reference_point=tuple(point) if point else None,
        seconds=data["seconds"],
        storage=data.get("storage", DEFAULT_STORAGE),
    )


def _trial_data(trial: Trial) -> dict[str, Any]:
    details = {name: value for name, value in trial.details.items() if name not in _LEFT_OUT}
    return trial.summary() | {"latency": trial.latency, "estimate": trial.estimate, "details": details}


def _trial(row: dict[str, Any], spec: dict[str, Any] | None) -> Trial:
    _check(row, _TRIAL_KINDS, f" of trial {row['number']}")
    if row["state"] not in _STATES:
        raise InputError(f"state of trial {row['number']} is one of {', '.join(_STATES)}, but got {row['state']!r}")
    if row["anchor"] is not None and row["anchor"] not in all_anchors():
        raise InputError(f"anchor of trial {row['number']} is a published design, but got {row['anchor']!r}")
    values = {name: value for name, value in row.items() if name in _FIELDS}
    trial = Trial.from_dict(values | {"spec": spec})
    if trial.complete and not (trial.spec and all(isinstance(row[name], int | float) for name in _MEASURED)):
        raise InputError(f"a complete trial has a design and numbers, but trial {trial.number} has not")
    return trial


def _check(data: dict[str, Any], kinds: dict[str, type], of: str = "") -> None:
    for key, kind in kinds.items():
        if not isinstance(data[key], (int, float) if kind is float else kind):
            raise InputError(f"{key}{of} is {_WORDS[kind]}, but got {data[key]!r}")


def _plain(value: Any) -> Any:
    """Return data that JSON can hold: numbers that are not finite become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
