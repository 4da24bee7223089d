"""vitspace.list_studies, describe_study and delete_study, as Python calls them."""

import pytest

import vitspace
from vitspace.errors import InputError
from vitspace.searching.queue import Queue
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore, study_names
from vitspace.study.trial import Trial


@pytest.fixture
def storage(tmp_path):
    """A storage that holds the study ``a`` with one completed trial."""
    url = str(tmp_path / "studies.journal")
    store = StudyStore.create(
        open_storage(url), "a", StudyConfig(accuracy="proxy", space="msg", budget="4G", trials=2), {}
    )
    queue = Queue(store)
    queue.end(queue.ask(), Trial(0, "complete", params=25, macs=3_800_000_000, latency_ms=90.0, score=-0.8))
    store.set(reference_point=[2.0, 4e9, 190.0])
    return url


@pytest.fixture
def queue(storage):
    """The queue of the study ``a``, with a trial that this process runs."""
    queue = Queue(StudyStore.load(open_storage(storage), "a"))
    queue.ask()
    return queue


def test_a_summary_says_how_far_a_study_is(storage):
    [summary] = vitspace.list_studies(storage)
    assert (summary.study, summary.complete, summary.trials, summary.running, summary.front) == ("a", 1, 2, 0, 1)


def test_details_name_the_processes_at_work(storage, queue):
    details = vitspace.describe_study("a", storage)
    assert details.states == {"complete": 1} and details.workers == [str(queue.owner)] and not details.lost_workers
    assert details.summary.running == 1 and details.config.budget == "4G"


def test_a_study_is_deleted_unless_the_caller_says_no(storage):
    told = []
    assert not vitspace.delete_study("a", storage, confirm=told.append) and told == [1]
    assert vitspace.delete_study("a", storage) and study_names(open_storage(storage)) == []


def test_a_study_that_somebody_runs_is_kept(storage, queue):
    with pytest.raises(InputError, match="study a is not deleted while it runs, and process"):
        vitspace.delete_study("a", storage)


def test_a_storage_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        vitspace.list_studies(str(tmp_path / "none.journal"))
