"""Studies for a dense task: costs and latencies of whole networks, estimates of the backbones."""

import pytest

import vitspace
from vitspace.api import load_study, search
from vitspace.errors import InputError
from vitspace.plots import style
from vitspace.report.figures import figures
from vitspace.searching.latency import timing_of
from vitspace.searching.monitor import Monitor
from vitspace.searching.retiming import retime_study
from vitspace.study.config import StudyConfig
from vitspace.tasks.dense import DenseTask

SPACE = """
family: mat
axes:
  head.width: [1280]
  downsample: [bilinear]
  dim: {values: [16, 24], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
  mixer: {stages: [[none], [none], [window], [window, mat]]}
  heads: {stages: [null, null, [4], [8]]}
  window: {stages: [null, null, [7], [7]]}
  mlp_ratio: [2]
  mlp_depthwise: [true]
"""
SIZE = (64, 96)
ASKED = {"task": "semantic-fpn", "img_size": "64x96"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dense")
    (folder / "tiny.yaml").write_text(SPACE)
    return folder


@pytest.fixture(scope="module")
def study(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = {"space": "tiny.yaml", "proxy": "params", "trials": 3, "workers": 0, "monitor": Monitor()}
        return search(**settings, **ASKED, budget="2G")


@pytest.fixture(autouse=True)
def _there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_trials_cost_what_whole_networks_do(study):
    assert study.name == "tiny-semantic-fpn-2G-64x96px"
    assert len(study.record.completed) == 3
    for trial in study.record.completed:
        whole = vitspace.cost(trial.spec, SIZE, task="semantic-fpn")
        assert (trial.params, trial.macs) == (whole.params, whole.macs)


def test_trials_are_estimated_as_networks_of_classification(study):
    for trial in study.record.completed:
        assert trial.estimate["prior"] == pytest.approx(vitspace.predict_top1(trial.spec).mean)


def test_whole_networks_are_timed(study):
    settings = timing_of(study.record.config)
    assert settings.task == DenseTask.of("semantic-fpn", SIZE) and settings.img_size == SIZE


def test_it_says_what_it_is_for(study):
    record = study.record
    assert record.task == {"name": "semantic-fpn", "size": [64, 96], "num_classes": 150}
    assert (record.img_size, record.counted_size) == (224, SIZE)
    data = record.to_json()
    assert (data["task"], data["img_size"]) == ("semantic-fpn", list(SIZE))


def test_its_figures_are_drawn(study):
    record = study.record
    assert all(figure.draw(record, style.WIDE).axes for figure in figures(record).values())


def test_a_resumed_study_keeps_its_task_and_size(study):
    asked = {"study": study.name, "resume": True, "workers": 0, "monitor": Monitor()}
    with pytest.raises(InputError, match="a resumed study keeps its task, 'semantic-fpn', but got 'upernet'"):
        search(**asked, task="upernet")
    with pytest.raises(InputError, match="a resumed study keeps its img_size, '64x96', but got '64'"):
        search(**asked, img_size="64")
    assert len(search(**asked, **ASKED, trials=4).record.completed) == 4
    assert len(load_study(study.name).record.completed) == 4


def test_a_design_is_timed_again_as_a_whole_network(study, monkeypatch):
    seen = []

    def measured(spec, settings):
        seen.append(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("vitspace.searching.retiming.measure_again", measured)
    with pytest.raises(KeyboardInterrupt):
        retime_study(study.name, numbers=[0])
    assert seen[0].task == DenseTask.of("semantic-fpn", SIZE)


def test_a_budget_below_the_head_is_refused():
    with pytest.raises(InputError, match="no design of tiny fits: the smallest costs"):
        search(space="tiny.yaml", proxy="params", workers=0, monitor=Monitor(), **ASKED, budget="10M")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "semantic_fpn"}, "did you mean semantic-fpn"),
        ({"task": "upernet", "img_size": "64,96"}, "img_size of upernet is one size, but got 64,96"),
        ({"task": "upernet", "latency": "pi5:60ms"}, "predicted for classification, but got pi5:60ms with upernet"),
        ({"task": "upernet", "peers": "resnet18"}, "peers are networks of classification, so none with upernet"),
        ({"task": "retinanet", "latency_backend": "onnxruntime"}, "timed with backend eager in float32"),
    ],
)
def test_what_a_task_does_not_take_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        search(space="tiny.yaml", proxy="params", workers=0, monitor=Monitor(), study="refused", **given)


def test_classification_is_as_without_a_task():
    config = StudyConfig.of({"space": "msg", "task": "classification", "budget": "4G"})
    assert config == StudyConfig.of({"space": "msg", "budget": "4G"}) and not config.is_dense
    assert timing_of(config).task is None
