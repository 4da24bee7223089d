"""vitspace.space_axes and vitspace.study_axes, as Python calls them."""

import pytest
import yaml

import vitspace
from vitspace.errors import InputError
from vitspace.searching.queue import Queue
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

AXES = {"dim": {"values": [16, 32], "scale": [1, 2, 4, 8]}, "depth": [1, 2, 3], "head_dim": [16], "mlp_ratio": [1, 2]}


@pytest.fixture
def space(tmp_path):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump({"family": "msg", "axes": AXES}))
    return str(tmp_path / "small.yaml")


@pytest.fixture
def storage(space, tmp_path):
    """A storage with a study of twelve designs, whose score is their depth."""
    url = str(tmp_path / "studies.journal")
    config = StudyConfig(space=space, budget="9G", trials=12, proxy="slog")
    store = StudyStore.create(open_storage(url), "deep", config, {})
    queue = Queue(store)
    for number, spec in enumerate(vitspace.load_space(space).draw(12)):
        costs = vitspace.cost(spec)
        facts = {"params": costs.params, "macs": costs.macs, "latency_ms": 1.0, "score": float(spec.stages[0].depth)}
        queue.end(queue.ask(), Trial(number, "complete", spec, **facts))
    store.set(reference_point=[0.0, 9e9, 2.0])
    return url


def test_the_axes_of_a_space(space):
    found = vitspace.space_axes(space, n=12, scoring=vitspace.Scoring("nt"))
    assert {*found.table["axis"]} == {"dim", "depth", "mlp_ratio"}
    assert found.table["axis"][0] == "depth"  # the number of tensors grows with nothing else
    assert found.note.startswith("12 designs, 0 left out")


def test_the_axes_of_a_study(storage):
    found = vitspace.study_axes("deep", storage)
    assert found.proxy == "slog" and found.table["axis"][0] == "depth" and "effects are biased" in found.note


def test_a_folder_holds_figure_and_tables(storage, tmp_path):
    vitspace.study_axes("deep", storage, out=tmp_path / "out", command="my call")
    assert {"axes.csv", "axes.md", "axes.png", "report.md"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_a_study_that_is_not_there_is_refused(storage):
    with pytest.raises(InputError, match="a study is one of deep, but got 'flat'"):
        vitspace.study_axes("flat", storage)
