import os

import torch

from vitspace import latency
from vitspace.families import anchor
from vitspace.latency import LatencySettings, measure, pinned
from vitspace.space import load_space

QUICK = LatencySettings(runs=3, warmup=1, img_size=64)


def test_a_measurement_has_ordered_percentiles_and_a_reference():
    result = measure(load_space("msg").draw(1, "1G")[0], QUICK)
    assert 0 < result.p10_ms <= result.median_ms <= result.p90_ms
    assert result.reference_ms > 0 and result.runs == 3 and result.threads == 1 and result.host


def test_a_measurement_is_made_once_for_a_spec_and_its_settings(monkeypatch):
    spec = load_space("msg").draw(1, "1G", seed=5)[0]
    first = measure(spec, QUICK)
    monkeypatch.setattr(latency, "_measure", lambda *_: (_ for _ in ()).throw(AssertionError("measured again")))
    assert measure(spec, QUICK) == first


def test_other_settings_are_measured_anew(monkeypatch):
    spec = load_space("msg").draw(1, "1G", seed=5)[0]
    calls = []
    plain = latency._measure
    monkeypatch.setattr(latency, "_measure", lambda *args: calls.append(args) or plain(*args))
    measure(spec, QUICK)
    measure(spec, LatencySettings(runs=4, warmup=1, img_size=64))
    assert calls[-1][1].runs == 4


def test_pinning_is_undone():
    before = os.sched_getaffinity(0), torch.get_num_threads()
    with pinned(1):
        assert len(os.sched_getaffinity(0)) == 1 and torch.get_num_threads() == 1
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == before


def test_an_unusable_cache_is_said_and_measured_around(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "file"))
    assert measure(anchor("msg_tiny").spec, QUICK).median_ms > 0
    assert "cannot be used" in caplog.text
