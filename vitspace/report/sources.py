"""Studies by name: of a storage, or of a report's folder."""

from collections.abc import Iterable
from pathlib import Path

from vitspace.errors import InputError
from vitspace.report.study_file import read_study
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.store import StudyStore


def find_studies(names: Iterable[str], storage: str = DEFAULT_STORAGE) -> list[StudyRecord]:
    """Return the studies of the given names, each once.

    Args:
        names: Stored studies, and reports' folders or their ``study.json``, see `is_report`.
        storage: Where the stored ones are.

    Raises:
        InputError: there is no such study, or two have one name.
    """
    found: dict[str, StudyRecord] = {}
    for name in dict.fromkeys(names):
        record = read_study(Path(name)) if is_report(name) else StudyStore.open(storage, name).record()
        if record.name in found:
            raise InputError(f"studies that are compared have names of their own, but {name} is {record.name}, too")
        found[record.name] = record
    return list(found.values())


def is_report(name: str) -> bool:
    """Whether a name is a path to a report, ``reports/msg-4G``, and not a stored study."""
    return "/" in name or (name.endswith(".json") and Path(name).is_file())
