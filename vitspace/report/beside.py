"""A study with other public networks beside it than those that it was searched with."""

from collections.abc import Callable
from pathlib import Path

from vitspace.report.sources import is_report
from vitspace.report.study_file import read_study
from vitspace.searching.peers import keep_peers, with_peers
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.store import StudyStore


def find_beside(name: str, peers: str, note: Callable[[str], None], storage: str = DEFAULT_STORAGE) -> StudyRecord:
    """Return a study with other peers beside it; a stored one keeps them, a report's folder does not.

    Args:
        name: As in `vitspace.report.sources.find_studies`.
        peers: Which ones, see `vitspace.accuracy.peers.find_peers`.
        note: Is told what timing them takes.
        storage: Where the stored ones are.

    Raises:
        InputError: there is no such study, or timm has no such network.
    """
    if is_report(name):
        return with_peers(read_study(Path(name)), peers, note)
    store = StudyStore.open(storage, name)
    keep_peers(store, note, peers)
    return store.record()
