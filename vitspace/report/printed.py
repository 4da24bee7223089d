"""A study as JSON: what is printed, and what is kept of it with a report."""

from pathlib import Path
from typing import Any

from vitspace import __version__
from vitspace.report.standing import standings
from vitspace.study.record import StudyRecord
from vitspace.study.store import storable
from vitspace.study.trial import Trial

#: What is not kept of a trial: its loss at every step.
_LEFT_OUT = {"curve"}


def printed_json(record: StudyRecord, out: Path | None = None) -> dict[str, Any]:
    """Return what `vitspace report --json` prints: the study, and its front beside the published designs."""
    return record.to_json(str(out) if out else None) | {"standings": standings(record)}


def study_data(record: StudyRecord, out: Path | None = None) -> dict[str, Any]:
    """What `vitspace report --json` prints, with all that `read_study` needs and the designs by spec id."""
    data = printed_json(record, out)
    data["trials"] = [record.summary(trial) | _whole(trial) for trial in record.trials]
    specs = {trial.spec.id: trial.spec.to_dict() for trial in record.trials if trial.spec}
    plain: dict[str, Any] = storable(
        data
        | {"config": record.config.model_dump(), "resolved": record.resolved, "specs": specs}
        | {"screening": record.screening, "peers": [peer.to_dict() | peer.summary() for peer in record.peers]}
        | {"used_up": record.used_up, "storage": record.storage, "digest": record.digest, "version": __version__}
    )
    return plain


def _whole(trial: Trial) -> dict[str, Any]:
    """What is kept of a trial beside its summary."""
    details = {name: value for name, value in trial.details.items() if name not in _LEFT_OUT}
    return {"latency": trial.latency, "estimate": trial.estimate, "details": details}
