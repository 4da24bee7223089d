from dataclasses import replace

import pytest

from vitspace.design import find_design, read_spec
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.searching.queue import Queue
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

SPEC = anchor("mat_1").spec


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """A study of one complete trial and one that is no design."""
    url = str(tmp_path_factory.mktemp("study") / "s.journal")
    resolved = {"space": {"name": "mat", "resolution": 192}}
    store = StudyStore.create(open_storage(url), "mat-1G", StudyConfig(space="mat", budget="1G"), resolved)
    queue = Queue(store)
    queue.end(queue.ask(), Trial(0, "complete", SPEC, params=1, macs=2, latency_ms=3.0, score=-1.0))
    queue.end(queue.ask(), Trial(1, "invalid", why="a | b must hold"))
    return url


def test_a_spec_is_an_anchor_a_file_or_json(tmp_path):
    (tmp_path / "mine.json").write_text(SPEC.to_json())
    assert read_spec("mat_1") == ("mat_1", SPEC)
    assert read_spec(str(tmp_path / "mine.json")) == ("mine", SPEC)
    assert read_spec(SPEC.to_json()) == (f"mat-6.7M-{SPEC.id[:4]}", SPEC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mat_9", "nearest: mat_"),
        ("best", "a spec is a path ending in .json"),
        ("none.json", "there is none at 'none.json'"),
        ("{}", "a spec has the keys stem, stages and head"),
        ("swin_tiny", "has no spec: it is a peer"),
    ],
)
def test_what_is_no_spec_says_so(text, message):
    with pytest.raises(InputError, match=message):
        find_design(text)


def test_a_trial_is_a_design_with_its_study(storage):
    design = find_design("mat-1G", 0, storage)
    assert (design.name, design.spec, design.img_size) == ("mat-1G-trial-0", SPEC, 192)
    assert design.identifier == "vitspace_mat_1g_trial_0"
    assert design.record.name == "mat-1G" and design.trial.score == -1.0


def test_an_anchor_is_itself(storage):
    design = find_design("mat_1", storage=storage)
    assert design.anchor.id == "mat_1" and design.record is None and design.img_size == 224


@pytest.mark.parametrize(
    ("text", "trial", "message"),
    [
        ("mat-1G", None, r"named by --trial N \(its front: 0\), but got none"),
        ("mat-1G", 7, "a trial of mat-1G is 0 to 1, but got 7"),
        ("mat-1G", 1, "trial 1 of mat-1G has no design: invalid: a | b must hold"),
        ("mat-2G", 0, "a study is one of mat-1G, but got 'mat-2G'"),
    ],
)
def test_what_is_no_trial_says_so(storage, text, trial, message):
    with pytest.raises(InputError, match=message):
        find_design(text, trial, storage)


def test_a_spec_of_a_longer_stride_than_224_has_a_name():
    deep = replace(SPEC, stages=(*SPEC.stages, *[SPEC.stages[-1]] * 3))
    name, read = read_spec(deep.to_json())
    assert deep.stride == 256 and read == deep and name.startswith("mat-")
