"""vitspace.measure_and_judge, as Python calls it."""

import pytest

import vitspace
from vitspace.errors import InputError
from vitspace.fidelity import jobs
from vitspace.fidelity.designs import designs
from vitspace.proxies import Score

MSG = vitspace.DesignFilter(("msg",), kinds=("anchors",))


def test_what_is_known_is_judged_and_nothing_measured():
    found = vitspace.measure_and_judge(vitspace.FidelityRequest(("params", "zico")), timeout=0)
    assert [card.proxy for card in found.cards] == ["params", "zico"]
    assert found.cards[0].kendall_tau > 0.7


def test_without_a_request_every_training_free_proxy_and_what_was_trained_is_judged():
    names = {card.proxy for card in vitspace.measure_and_judge(timeout=0).cards}
    assert {"params", "rank", "naswot"} <= names and any(name.startswith("train:") for name in names)


class Fake:
    """A training proxy that scores by the design's params."""

    def score(self, spec, seed, on_step=None):
        return Score(float(vitspace.cost(spec).params), 2.0)


def test_progress_is_told_of_every_training_and_a_folder_written(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "_opened", lambda name, data, device: Fake())
    told = []

    def track(items, description):
        for item in items:
            yield item
            told.append(description)

    request = vitspace.FidelityRequest(("train:small,data=digits,steps=7,warmup=1",), chosen=MSG)
    found = vitspace.measure_and_judge(request, out=tmp_path / "cards", track=track)
    assert len(told) == found.cards[0].specs == sum(design in MSG for design in designs())
    assert {"cards.json", "cards.md", "trained.csv"} <= {path.name for path in (tmp_path / "cards").iterdir()}


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="device"):
        vitspace.measure_and_judge(vitspace.FidelityRequest(("params",)), device="tpu")
