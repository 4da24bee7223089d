"""Studies at other sizes of image than 224."""

import pytest

import vitspace
from vitspace.api import load_study, search
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.searching.monitor import Monitor
from vitspace.study.config import StudyConfig

SPACE = """
family: msg
axes:
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: {each: [1]}
  head_dim: [16]
  window: [4, 7]
  mlp_ratio: [1, 2]
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(SPACE)
    settings = {"space": "tiny.yaml", "proxy": "params", "trials": 2, "workers": 0, "monitor": Monitor()}
    return search(**settings, img_size="64x96")


def test_a_study_is_for_its_size(study):
    record = study.record
    assert study.name == "tiny-64x96px"
    assert record.img_size == (64, 96)
    assert record.to_json()["img_size"] == [64, 96]
    assert all(trial.macs == cost(trial.spec, (64, 96)).macs for trial in record.completed)
    assert "All of it is for images of 64x96 px." in repr(study)
    assert "FLOPs and latency at 64x96 px." in (study.folder / "report.md").read_text()


def test_a_resumed_study_keeps_its_size(study):
    asked = {"study": study.name, "resume": True, "workers": 0, "monitor": Monitor()}
    with pytest.raises(InputError, match="a resumed study keeps its img_size, '64x96', but got '64'"):
        search(**asked, img_size="64")
    assert len(search(**asked, img_size=" 64 x 96", trials=3).record.completed) == 3
    assert load_study(study.name).record.img_size == (64, 96)


@pytest.mark.parametrize("size", ["31", "4097", "abc", "224,224", "224,x", "2.5", "64x", True])
def test_other_sizes_are_refused(size):
    with pytest.raises(InputError, match="img_size"):
        StudyConfig.of({"space": "msg", "img_size": size})


def test_a_study_without_a_size_is_for_what_its_space_is_written_for():
    config = StudyConfig.of({"space": "msg", "budget": "4G"})
    assert config.sizes == ()
    assert config.default_name() == "msg-4G"
    assert StudyConfig.of({"space": "msg", "img_size": 256}).default_name() == "msg-256px"


def test_published_designs_stand_at_their_estimate_at_another_size():
    from vitspace.proxies import open_proxy
    from vitspace.proxies.evidence import evidence_of
    from vitspace.searching.evaluate import Evaluator
    from vitspace.space import load_space

    evaluators = {
        size: Evaluator(
            load_space("msg", size),
            StudyConfig(space="msg").limits,
            open_proxy("params", "fractal", "cpu", 0),
            evidence=evidence_of("params"),
        )
        for size in (224, 256)
    }
    row = vitspace.anchor("msg_tiny")
    for size, evaluator in evaluators.items():
        trial = evaluator._scored(evaluator.trial(0, "complete", row.at(size), anchor=row.id), row.at(size), 1.0, True)
        assert trial.published_top1 == (row.published["top1"] if size == 224 else None)
