from pathlib import Path
from types import SimpleNamespace

import pytest

import vitspace
from vitspace.api import search
from vitspace.errors import InputError
from vitspace.latency import backends
from vitspace.searching import run as module
from vitspace.searching import session
from vitspace.searching.first import FirstDesigns
from vitspace.searching.monitor import Lines, Monitor
from vitspace.searching.run import Means, StudyLocation
from vitspace.study.config import StudyConfig


def test_a_proxy_is_refused_before_the_space_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "check_budget", lambda space, config: pytest.fail("the space was counted"))
    settings = {"space": "mat", "budget": "1G", "data": "digits", "proxy": "train:tiny,steps=5"}
    with pytest.raises(InputError, match="warmup is below steps"):
        search(**settings, storage=str(tmp_path / "studies.journal"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "out", "message"),
    [
        ({"trials": 1}, None, "so at least 3 .mat_1, mat_2., but got 1"),
        ({}, "/proc/x", "a report needs a folder that can be written, but '/proc'"),
        ({"latency_backend": "onnxruntime"}, None, "onnxruntime: pip install"),
    ],
)
def test_what_cannot_run_is_refused_before_data_are_loaded(tmp_path, monkeypatch, settings, out, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    monkeypatch.setattr(session, "open_proxy", lambda *args: pytest.fail("data are loaded"))
    with pytest.raises(InputError, match=message):
        search("mat", "1G", out=out and Path(out), **settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ["optuna", "nni"])
def test_gpus_are_refused_where_the_engine_asks_for_none(tmp_path, engine):
    settings = {"space": "mat", "budget": "1G", "proxy": "params", "engine": engine, "gpus": 0.5}
    with pytest.raises(InputError, match=f"gpus are asked for by engines ray and submitit, but got engine '{engine}'"):
        search(**settings, storage=str(tmp_path / "studies.journal"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "sampler"),
    [({}, "pareto"), ({"engine": "nni"}, "tpe"), ({"engine": "nni", "sampler": "random"}, "random")],
)
def test_a_study_has_its_engines_sampler_where_none_is_asked_for(tmp_path, monkeypatch, settings, sampler):
    monkeypatch.setattr(module, "check_runs", lambda *args: None)  # as the package may not be installed
    monkeypatch.setattr(module, "check_budget", lambda space, config: None)
    monkeypatch.setattr(module, "first_designs", lambda *args: FirstDesigns([]))
    asked = {"space": "mat", "budget": "1G", "proxy": "params", **settings}
    store, _ = open_search(asked, tmp_path)
    assert store.config.sampler == sampler


@pytest.mark.parametrize(("name", "value"), [("LEASE", "5"), ("HEARTBEAT", "nan"), ("PATIENCE", "-1")])
@pytest.mark.parametrize("resume", [False, True])
def test_a_bad_environment_is_refused_before_anything_is_stored(tmp_path, monkeypatch, name, value, resume):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"VITSPACE_{name}", value)
    with pytest.raises(InputError, match=r"a lease is at least three heartbeats|a finite number of seconds"):
        search("mat", "1G", proxy="params", study="s", resume=resume)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("proxy", "notes"), [("macs", []), ("train:tiny", ["loading digits"])])
def test_data_are_loaded_and_told_of_where_the_proxy_takes_any(monkeypatch, proxy, notes):
    told = []
    monkeypatch.setattr(session, "open_proxy", lambda *args: SimpleNamespace(describe=dict))
    monkeypatch.setattr(Lines, "note", lambda self, text: told.append(text))
    session.open_evaluator(StudyConfig(space="mat", budget="1G", proxy=proxy, data="digits"), "", Lines())
    assert told == notes


def open_search(settings, folder, resume=False):
    where = StudyLocation(str(folder / "studies.journal"), "s", resume)
    return module.open_search(settings, where, Means(), Monitor())


def test_a_study_says_how_many_designs_were_drawn_when_it_was_made(tmp_path, monkeypatch):
    designs = [("mat_1", vitspace.anchor("mat_1").spec), (None, vitspace.anchor("mat_2").spec)]
    monkeypatch.setattr(module, "check_budget", lambda space, config: None)
    monkeypatch.setattr(module, "first_designs", lambda *how: FirstDesigns(designs))
    settings = {"space": "mat", "budget": "1G", "proxy": "params"}
    store, _ = open_search(settings, tmp_path)
    assert store.record().resolved["drawn"] == 1


@pytest.mark.parametrize(
    ("settings", "proxy", "data"),
    [
        ({"proxy": "train:tiny,data=cifar10:/nope"}, "train:tiny", "cifar10:/nope"),
        ({"proxy": "train:data=digits,max_val=none"}, "train:tiny,max_val=none", "digits"),
        ({"proxy": "train:tiny"}, "train:tiny", None),
        ({"proxy": "train:tiny", "data": "digits"}, "train:tiny", "digits"),
        ({"proxy": "train:tiny,data=fractal", "data": "digits"}, "train:tiny,data=fractal", "digits"),
        ({"proxy": "rank"}, "rank", None),
    ],
)
def test_data_in_the_proxys_name_are_the_studys(settings, proxy, data):
    found = module._with_data(settings)
    assert (found["proxy"], found.get("data")) == (proxy, data)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proxy": "train:tiny,data=cifar10:nope"}, "nope"),
        ({"proxy": "train:tiny,data=digits", "data": "fractal"}, "named once, and here they are 'fractal', but got"),
        ({"proxy": "halving:tiny,data=digits/small"}, "the rungs of halving share their data, which --data names, but"),
    ],
)
def test_data_that_are_not_there_or_named_twice_are_refused(tmp_path, settings, message):
    with pytest.raises(InputError, match=message):
        search("mat", "1G", storage=str(tmp_path / "studies.journal"), **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_study_knows_the_data_in_its_proxys_name(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "check_budget", lambda space, config: None)
    designs = [("mat_1", vitspace.anchor("mat_1").spec)]
    monkeypatch.setattr(module, "first_designs", lambda *how: FirstDesigns(designs))
    settings = {"space": "mat", "budget": "1G", "proxy": "train:tiny,data=fractal:2"}
    for resume in (False, True):
        _, found = open_search(settings, tmp_path, resume)
        assert (found.config.proxy, found.config.data) == ("train:tiny", "fractal:2")


def test_a_resumed_study_is_given_its_settings_in_any_form(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "check_budget", lambda space, config: None)
    monkeypatch.setattr(module, "first_designs", lambda *how: FirstDesigns([("mat_1", vitspace.anchor("mat_1").spec)]))
    settings = {"space": "mat", "params": 25_000_000, "budget": "1G", "proxy": "params", "seed": 3}
    for resume in (False, True):
        _, found = open_search(settings, tmp_path, resume)
        assert found.config.params == "25000000"
    with pytest.raises(InputError, match="a resumed study keeps its params, '25000000', but got 26000000"):
        open_search(settings | {"params": 26_000_000}, tmp_path, True)


def test_a_name_that_another_search_takes_meanwhile_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "check_budget", lambda space, config: None)
    monkeypatch.setattr(module, "first_designs", lambda *how: FirstDesigns([("mat_1", vitspace.anchor("mat_1").spec)]))
    free, asked = module.free_name, []
    settings = {"space": "mat", "budget": "1G", "proxy": "params"}

    def late(storage, name):
        found = free(storage, name)
        asked.append(found)
        if len(asked) == 1:
            vitspace.study.store.StudyStore.create(storage, found, StudyConfig(**settings), {})
        return found

    monkeypatch.setattr(module, "free_name", late)
    location = StudyLocation(str(tmp_path / "s.journal"))
    store, _ = module.open_search(settings, location, Means(0), Monitor())
    assert (asked, store.name) == (["mat-1G", "mat-1G-2"], "mat-1G-2")


def test_a_resumed_study_keeps_the_data_that_its_proxy_had_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "check_budget", lambda space, config: None)
    monkeypatch.setattr(module, "first_designs", lambda *how: FirstDesigns([("mat_1", vitspace.anchor("mat_1").spec)]))
    settings = {"space": "mat", "budget": "1G", "proxy": "train:check,max_train=8,max_val=8"}
    open_search(settings, tmp_path)
    assert open_search(settings | {"data": "fractal:5"}, tmp_path, True)[1].config.data == "fractal:5"
    with pytest.raises(InputError, match="a resumed study keeps its data, 'fractal:5', but got 'fractal'"):
        open_search(settings | {"data": "fractal"}, tmp_path, True)
