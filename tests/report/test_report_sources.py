import pytest

from vitspace.errors import InputError
from vitspace.report.folder import write_report
from vitspace.report.sources import find_studies, is_report
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore


@pytest.fixture
def storage(tmp_path):
    """A storage with an empty study ``stored``."""
    url = str(tmp_path / "studies.journal")
    StudyStore.create(open_storage(url), "stored", StudyConfig(space="msg", budget="4G"), {})
    return url


def test_studies_of_a_storage_and_of_a_folder_are_found_by_name(storage, record, tmp_path):
    folder = write_report(record, tmp_path / "reports" / "msg-4G")
    found = find_studies(["stored", str(folder), "stored"], storage)
    assert [study.name for study in found] == ["stored", "msg-4G"] and found[0].storage == storage


def test_a_path_is_a_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_report("reports/msg-4G") and not is_report("msg-4G") and not is_report("study.json")
    (tmp_path / "study.json").write_text("{}")
    assert is_report("study.json")


def test_a_study_that_is_not_stored_is_refused(storage):
    with pytest.raises(InputError, match="a study is one of stored, but got 'other'"):
        find_studies(["other"], storage)
