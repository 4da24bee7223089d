"""A study's space, from whatever folder it is asked for."""

import pytest

from vitspace.study.config import found_space, same_space

PLACES = ["mine.yaml", "spaces/mine.yaml", "../mine.yml", "./mine.yaml"]


@pytest.mark.parametrize("path", PLACES)
def test_a_relative_path_leads_from_here_or_from_the_folder_that_the_study_began_in(tmp_path, monkeypatch, path):
    began, now = tmp_path / "a" / "began", tmp_path / "b" / "now"
    for folder in (began / "spaces", now / "spaces"):
        folder.mkdir(parents=True)
    (began / path).write_text("x")
    monkeypatch.chdir(now)
    found = found_space(path, {"folder": str(began)})
    assert same_space(found, str(began / path)) and not same_space(found, path)
    (now / path).write_text(
        "y"
    )  # a copy of the study's folder, perhaps edited: whether it is another space is told later
    assert found_space(path, {"folder": str(began)}) == path
    monkeypatch.chdir(began)
    assert found_space(path, {"folder": str(began)}) == path


@pytest.mark.parametrize("name", ["msg", "/x/mine.yaml", "gone.yaml"])
@pytest.mark.parametrize("resolved", [{}, {"folder": "/nowhere"}, {"folder": 3}])
def test_all_else_stays_as_it_is(name, resolved):
    assert found_space(name, resolved) == name
