"""Training-free scores and combinations as proxies."""

import logging

import pytest

import vitspace
from vitspace.errors import InputError
from vitspace.proxies import COMBINATIONS, PROXIES, SCORES, ProxyError, open_proxy, rests_on
from vitspace.proxies.combinations import fitted
from vitspace.proxies.combinations.rank import place
from vitspace.proxies.scores import MeasuredScores
from vitspace.proxies.training_free import FreeProxy


def test_the_names_are_those_agreed_on():
    baselines, others = {"params", "macs", "nt", "slog"}, {"expressivity", "trainability", "zico", "naswot"}
    assert set(SCORES) == baselines | others | {"synflow", "dss"}
    assert {"train", "halving", "supernet", *SCORES, *COMBINATIONS} == set(PROXIES)


@pytest.mark.parametrize(("name", "told"), [("params", False), ("slog", False), ("naswot", True)])
def test_a_device_is_told_of_where_networks_run(name, told, caplog, monkeypatch):
    monkeypatch.setattr("vitspace.machine.devices.available_devices", lambda: ["cpu"])
    with caplog.at_level(logging.INFO):
        open_proxy(name, "fractal", "auto")
    assert ("device auto: no CUDA device here, so that scoring runs on the CPU" in caplog.messages) == told
    assert "training runs" not in caplog.text


def test_a_score_is_a_proxy(caplog):
    with caplog.at_level(logging.WARNING):
        proxy = open_proxy("params", "fractal", "cpu")
    [line] = caplog.messages
    assert "a search that maximises it stacks layers or params" in line and "\n" not in line
    score = proxy.score(vitspace.anchor("mat_1").spec, seed=0)
    assert score.value == vitspace.cost(vitspace.anchor("mat_1").spec).params
    assert proxy.worst is None and proxy.describe()["training_free"]


@pytest.mark.parametrize(("name", "words"), [("params", "counts of the network"), ("zico", "")])
def test_what_only_counts_rests_on_no_seed(name, words):
    assert rests_on(open_proxy(name, "", "cpu")) == words


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_combination_grows_with_its_components(name):
    proxy = open_proxy(name, "", "cpu")
    small, large = (proxy.score(vitspace.anchor(row).spec, 0).value for row in ("mat_1", "mat_5"))
    assert small < large
    assert sum(map(abs, proxy.describe()["weights"].values())) > 0


def test_a_score_that_fails_is_a_proxy_error(monkeypatch):
    from vitspace.proxies import training_free as _free

    monkeypatch.setattr(_free, "measure", lambda *_: MeasuredScores({}, {"zico": "the loss is nan"}))
    proxy = open_proxy("zico", "", "cpu")
    assert isinstance(proxy, FreeProxy)
    with pytest.raises(ProxyError, match="zico: the loss is nan"):
        proxy.score(vitspace.anchor("mat_1").spec, 0)


@pytest.mark.parametrize(
    ("text", "data", "message"),
    [
        ("zico:tiny", "", "only train takes a preset, as in train:small, but got zico:tiny"),
        ("zico", "digits", "fed generated fractals, so data is fractal, but got 'digits'"),
        ("luck", "", "a proxy is one of halving, supernet, train, rank, ridge, dss"),
    ],
)
def test_bad_names_and_data_are_refused(text, data, message):
    with pytest.raises(InputError, match=message):
        open_proxy(text, data, "cpu")


def test_places_go_on_outside_the_known_designs():
    known = (1.0, 2.0, 4.0)
    assert [place(x, known) for x in (1.0, 2.0, 3.0, 4.0)] == [0.0, 0.5, 0.75, 1.0]
    assert place(0.0, known) < 0 and place(7.0, known) == 2.0


def test_ridge_weighs_size_and_layers():
    weights = fitted("ridge").describe()["weights"]
    assert weights["params"] > weights["nt"] > 0
