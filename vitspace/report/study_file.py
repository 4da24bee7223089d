"""The file of a report that holds its study whole: written with the report, read where its storage is not."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from vitspace import __version__
from vitspace.errors import InputError
from vitspace.files import parse_json, validated
from vitspace.study.reading import check_name, read_record, read_trial_facts
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE

STUDY_FILE = "study.json"


class _Row(BaseModel):
    """A trial's facts, of which `vitspace.study.reading` checks those that are not named here."""

    model_config = ConfigDict(extra="allow", strict=True)

    spec_id: str | None = None


class _StudyFile(BaseModel):
    """What a study's file holds around the facts that `vitspace.study.reading` checks."""

    model_config = ConfigDict(strict=True)

    study: str
    config: dict[str, Any]
    resolved: dict[str, Any]
    reference: dict[str, Any]
    reference_point: list[Any] | None
    seconds: float
    specs: dict[str, dict[str, Any]]
    trials: list[_Row]
    storage: str = DEFAULT_STORAGE


def report_folder(name: str) -> Path:
    """Return where a study's report goes unless told otherwise; of no name, where all reports go.

    Raises:
        InputError: the name could lead elsewhere.
    """
    return Path("reports") / (check_name(name) if name else "")


def kept_json(record: StudyRecord, out: Path) -> dict[str, Any] | None:
    """Return what `vitspace report --json` prints, without loading a design, where a report shows a study as it is now.

    Args:
        record: The study as stored; it may have been read without its designs.
        out: The report's folder; None is returned where it holds no report, or one of other trials or another version.
    """
    try:
        data = parse_json((out / STUDY_FILE).read_bytes())
        if (data["digest"], data["version"]) != (record.digest, __version__) or not (out / "index.html").is_file():
            return None
        rows = {row["number"]: row for row in data["trials"]}
        printed = record.to_json(str(out))
        printed |= {"standings": data["standings"]}
        trials = [{name: rows[trial["number"]][name] for name in trial} for trial in printed["trials"]]
    except (OSError, ValueError, KeyError, TypeError):  # no report, or none of ours: it is drawn anew
        return None
    return printed | {"trials": trials}


def read_study(path: Path) -> StudyRecord:
    """Read the study of a report, given its folder or its ``study.json``.

    Raises:
        InputError: there is no such file, or it holds no study.
    """
    file = path / STUDY_FILE if path.is_dir() else path
    if file.exists() and not file.is_file():
        raise InputError(f"a report's folder holds its {STUDY_FILE}, but {str(file)!r} is no file")  # a pipe waits
    try:
        return _record(parse_json(file.read_bytes()))
    except OSError as error:
        raise InputError(f"a report's folder holds its {STUDY_FILE}, but {str(file)!r}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{file} holds no study that this version of vitspace reads: {error}") from None


def _record(data: Any) -> StudyRecord:
    kept = validated(_StudyFile, data)
    facts = {name: data[name] for name in ("config", "resolved", "reference", "reference_point", "seconds")}
    facts |= {"screening": data.get("screening", {}), "peers": data.get("peers", [])}
    facts |= {"used_up": data.get("used_up", False)}
    trials = [read_trial_facts(row.model_dump(), kept.specs.get(row.spec_id or "")) for row in kept.trials]
    if bare := next((trial for trial in trials if trial.complete and not trial.spec), None):
        raise InputError(f"a complete trial has a design, but trial {bare.number} has none")
    return read_record(kept.study, facts, trials, kept.storage)
