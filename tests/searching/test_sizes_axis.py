"""Searches over several sizes of image."""

import json
from functools import partial

import pytest

from vitspace.analysis.axes import study_axes
from vitspace.api import load_study, search
from vitspace.costs import cost
from vitspace.design import find_design
from vitspace.errors import InputError
from vitspace.latency import Latency
from vitspace.plots import style
from vitspace.report.figures import figures
from vitspace.report.importance import axis_importance
from vitspace.report.study_file import read_study
from vitspace.report.words import headline
from vitspace.searching import evaluate, retiming
from vitspace.searching.engines._nni_space import search_space, to_params
from vitspace.searching.join import join, rerun
from vitspace.searching.monitor import Monitor
from vitspace.searching.retiming import retime_study
from vitspace.sized import SizedSpec
from vitspace.space import load_sizes, load_space
from vitspace.study.config import StudyConfig
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.store import StudyStore

SPACE = """
family: msg
axes:
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: {each: [1]}
  head_dim: [16]
  window: [6, 7]
  mlp_ratio: {each: [1, 2]}
"""
SIZES = (64, (64, 96), 96)
quiet = partial(search, workers=0, monitor=Monitor())


def measured(spec, settings):
    """A network's multiply-adds at the size of image in place of its milliseconds, so that no clock decides a test."""
    ms = cost(spec, settings.img_size).macs / 1e8
    return Latency(ms, ms, ms, ms, ms, ms, 1.0, 1.0, 0.0, "eager", settings.runs, 1, 1, "float32", "test")


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    monkeypatch.setattr(evaluate, "measure", measured)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a study of two sizes, found by estimates."""
    folder = tmp_path_factory.mktemp("sizes")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(evaluate, "measure", measured)
        (folder / "tiny.yaml").write_text(SPACE)
        quiet("tiny.yaml", proxy="params", trials=5, img_size=[96, 64, (64, 96)])
        quiet("tiny.yaml", proxy="params", accuracy="proxy", trials=4, img_size="64,96", study="numbers")
    return folder


@pytest.fixture
def study(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return load_study("tiny-64_64x96_96px")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("224,192", "192,224"),
        ([224, 192], "192,224"),
        (["192x256", 192], "192,192x256"),
        ([(192, 256), 192], "192,192x256"),
        ((192, 256), "192x256"),
        (" 256 ", "256"),
        ([256], "256"),
    ],
)
def test_sizes_are_kept_in_one_order(given, kept):
    assert StudyConfig.of({"space": "msg", "img_size": given}).img_size == kept


@pytest.mark.parametrize("given", [[], [192, 192], [192, "192"], [[192]], [192, None], "192,,224", [8, 224]])
def test_lists_that_are_none_are_refused(given):
    with pytest.raises(InputError, match="img_size"):
        StudyConfig.of({"space": "msg", "img_size": given})


def test_each_design_is_costed_and_timed_at_its_own_size(study):
    trials = study.record.completed
    assert len(trials) == 5 and {trial.img_size for trial in trials} <= set(SIZES)
    for trial in trials:
        assert isinstance(trial.spec, SizedSpec) and trial.spec.plain in load_space("tiny.yaml", trial.img_size)
        assert trial.macs == cost(trial.spec.plain, trial.img_size).macs == pytest.approx(1e8 * trial.latency_ms)
    assert study.record.screening["designs"] == load_sizes("tiny.yaml", SIZES).size()


def test_finalists_cover_the_front_over_all_sizes(study):
    front = study.record.front
    assert len({trial.img_size for trial in front}) > 1
    assert front[0].macs < front[-1].macs


def test_the_record_tells_sizes(study):
    data = study.record.to_json()
    assert data["img_size"] is None and data["img_sizes"] == [64, [64, 96], 96]
    assert {trial["spec_id"].partition("@")[2] for trial in data["trials"]} <= {"64", "64x96", "96"}
    assert [trial["img_size"] for trial in data["trials"]] == [trial.img_size for trial in study.record.trials]


def test_the_report_tells_sizes(study):
    text = (study.folder / "report.md").read_text()
    assert "Searched at 64, 64x96 and 96 px; designs on the front: " in text
    assert "FLOPs and latency at 64, 64x96 and 96 px, each design at its own." in text
    assert "| image, px |" in text and "img_size=" in text
    assert set(study.front["img_size"]) <= {"64", "64x96", "96"}
    again = read_study(study.folder)
    assert [trial.spec for trial in again.trials] == [trial.spec for trial in study.record.trials]
    assert again.sizes == SIZES


def test_its_figures_are_drawn(study):
    record = study.record
    assert all(figure.draw(record, style.WIDE).axes for figure in figures(record).values())


def test_what_the_report_says_of_building_a_design_works(study):
    import vitspace

    specs = json.loads((study.folder / "study.json").read_text())["specs"]
    last = study.record.front[-1]
    network = vitspace.build(vitspace.Spec.from_dict(specs[last.spec.id]), img_size=last.img_size)
    assert sum(each.numel() for each in network.parameters()) == last.params


def test_a_resumed_study_keeps_its_sizes_in_any_order(study, tmp_path):
    asked = {"study": study.name, "resume": True}
    with pytest.raises(InputError, match="a resumed study keeps its img_size, '64,64x96,96', but got '64,96'"):
        quiet(**asked, img_size="64,96")
    record = quiet(**asked, img_size="96,64x96,64", trials=7).record
    assert len(record.completed) == 7 and len({trial.spec for trial in record.trials}) == len(record.trials)


def test_a_worker_goes_on_with_a_study_of_several_sizes(folder, monkeypatch):
    monkeypatch.chdir(folder)
    store = StudyStore.open(DEFAULT_STORAGE, "numbers")
    store.set(config=store.config.model_copy(update={"trials": 6}))
    record = join(store, {})
    assert len(record.completed) == 6 and len({trial.spec for trial in record.completed}) == 6
    assert rerun(store, record.completed[-1].number)["equal"]


def test_designs_are_timed_again_at_their_own_size(study, monkeypatch):
    monkeypatch.setattr(retiming, "measure_again", measured)
    trial = study.record.completed[0]
    [again] = retime_study(study.name, numbers=[trial.number])
    assert again.after.latency_ms == trial.latency_ms


def test_a_trial_is_exported_at_its_size(study):
    for trial in study.record.completed:
        design = find_design(study.name, trial.number)
        assert (design.spec, design.img_size) == (trial.spec.plain, trial.img_size)


def test_a_search_that_draws_until_nothing_is_left_holds_every_design_of_every_size(folder, monkeypatch):
    monkeypatch.chdir(folder)
    space = load_sizes("tiny.yaml", [64, 96])
    found = quiet("tiny.yaml", proxy="params", accuracy="proxy", trials=space.size() + 3, img_size="64,96", study="all")
    assert len(found.record.completed) == space.size() and found.record.used_up
    assert "img_size" in set(study_axes("all").table["axis"])
    assert "img_size" in dict(axis_importance(found.record))
    assert "@64" in (found.folder / "report.md").read_text()


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_samplers_of_others_propose_sizes_too(sampler, folder, monkeypatch):
    monkeypatch.chdir(folder)
    asked = {"proxy": "params", "accuracy": "proxy", "img_size": "64,64x96", "sampler": sampler}
    record = quiet("tiny.yaml", trials=14, study=sampler, **asked).record
    assert len(record.completed) == 14 and {trial.img_size for trial in record.completed} == {64, (64, 96)}


def test_proposals_of_nni_have_a_size(folder):
    space = load_sizes(str(folder / "tiny.yaml"), SIZES)
    asked = search_space(space)
    assert asked["img_size"] == {"_type": "choice", "_value": [0, 1, 2]}
    assert space.decode(to_params(space, dict.fromkeys(asked, 1))).img_size == (64, 96)


def test_an_anchor_of_another_size_is_a_trial(folder, monkeypatch):
    monkeypatch.chdir(folder)
    record = quiet("tiny.yaml", proxy="params", anchors="msg_tiny", trials=2, img_size="64,96", study="anchored").record
    [anchor] = record.anchors
    assert (anchor.img_size, anchor.published_top1) == (224, 82.4) and anchor.number == 0
    assert "Published designs stand at the size that they are published for." in headline(record)


@pytest.mark.parametrize("sizes", ["224,256", "192,256"])
def test_published_designs_stand_at_their_own_size(sizes, tmp_path, monkeypatch):
    from vitspace.searching.first import chosen_anchors

    config = StudyConfig.of({"space": "mat", "budget": "1G", "img_size": sizes, "anchors": "mat_1"})
    assert {spec.img_size for spec in chosen_anchors(load_sizes("mat", config.sizes), config).values()} == {224}
