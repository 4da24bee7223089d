"""Latency from what is counted, on milliseconds made up from it."""

from dataclasses import replace

import numpy as np
import pytest

from vitspace.accuracy.table import COUNTED
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency import LatencySettings, counted
from vitspace.latency.counted import KINDS, CountedLatency, amounts, unknown
from vitspace.latency.process import TimeProcess, TimeScales
from vitspace.latency.timed import TimedDesign

SCALES = TimeScales(host_scale=0.3)
RATES = {"pointwise": 2e-8, "grouped": 2e-7, "activations": 3e-7, "tensors": 1e-2}


def made_up(count, seed, host="there", by=1.0, noise=0.0):
    """Designs of two families, the second a fifth slower, on a host that is slower by a factor."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        macs, activations = int(10 ** rng.uniform(8.5, 9.7)), int(10 ** rng.uniform(6, 7))
        grouped = int(macs * rng.uniform(0, 0.3))
        numbers = dict.fromkeys(COUNTED, 1) | {
            "params": macs // 200,
            "macs": macs,
            "activations": activations,
            "macs_grouped": grouped,
            "tensors": int(rng.integers(100, 400)),
        }
        row = tuple(numbers[name] for name in COUNTED)
        amount = dict(zip(KINDS, amounts(np.array([row]))[0], strict=True))
        ms = by * sum(rate * amount[name] for name, rate in RATES.items())
        family = ("msg", "mat")[i % 2]
        slower = (1.2 if family == "mat" else 1.0) * np.exp(noise * rng.normal())
        rows.append(TimedDesign(f"{host}{seed}{i}", family, ms * slower, 10.0, 0.01, row, "eager", host))
    return rows


def arrays(rows):
    return np.array([row.counted for row in rows]), [row.family for row in rows], np.array([row.ms for row in rows])


@pytest.fixture
def known():
    return made_up(40, 0)


def test_what_is_no_convolution_or_product_of_activations_is_pointwise():
    row = dict.fromkeys(COUNTED, 0) | {"macs": 100, "macs_dense": 20, "macs_grouped": 5, "macs_products": 30}
    found = dict(zip(KINDS, amounts(np.array([list(row.values())]))[0], strict=True))
    assert (found["pointwise"], found["dense"], found["grouped"], found["batched"]) == (45, 20, 5, 30)


def test_designs_are_predicted_from_those_of_another_host(known):
    numbers, families, ms = arrays(made_up(30, 1))
    model = CountedLatency(known, (), 10.0, SCALES)
    assert np.abs(model.predict(numbers, families) / ms - 1).max() < 0.05
    assert model.designs == 0 and model.error < model.error90


def test_a_slower_host_is_known_from_few_designs(known):
    numbers, families, ms = arrays(made_up(30, 1, by=1.5))
    before = CountedLatency(known, (), 10.0, SCALES)
    after = CountedLatency(known, made_up(6, 2, "here", by=1.5), 10.0, SCALES)
    assert np.median(before.predict(numbers, families) / ms) == pytest.approx(1 / 1.5, abs=0.05)
    assert np.abs(after.predict(numbers, families) / ms - 1).max() < 0.08
    assert after.error < before.error / 2


def test_milliseconds_follow_the_usual_speed_of_the_reference(known):
    numbers, families, _ = arrays(known)
    slow, fast = (CountedLatency(known, (), ms, SCALES).predict(numbers, families) for ms in (20.0, 10.0))
    assert slow == pytest.approx(2 * fast)


def test_an_unheard_family_is_predicted_with_a_larger_error(known):
    model = CountedLatency(known, (), 10.0, SCALES)
    numbers, _, ms = arrays(known[:1])
    assert model.predict(numbers, ["new"])[0] == pytest.approx(ms[0], rel=0.25)
    sds = [
        model.process.predict(replace(model.process.inputs.take(slice(1)), families=np.array([f])))[1] for f in (0, -1)
    ]
    assert sds[1] > sds[0]


def test_many_designs_are_predicted_as_each_alone(known, monkeypatch):
    model = CountedLatency(known, made_up(20, 3, "here"), 10.0, SCALES)
    specs = [anchor(name).spec for name in ("mat_1", "msg_tiny", "vt_r18")]
    numbers = np.array([cost(spec).numbers for spec in specs])
    alone = [model.look_at(spec) for spec in specs]
    assert model.predict(numbers, [spec.family for spec in specs]) == pytest.approx([one.ms for one in alone], rel=1e-4)
    assert all(one.error > 0 and not one.outside for one in alone) and "20 designs timed here, 40 elsewhere" in str(
        alone[0]
    )


def test_designs_left_out_are_as_if_never_timed(known):
    own = made_up(10, 4, "here", by=1.3)
    process = CountedLatency(known, own, 10.0, SCALES).process
    groups = np.arange(50) // 2
    errors, sds = process.left_out(groups)
    spread = process.spread(0, groups)
    keep = groups != 21
    fewer = TimeProcess(SCALES, process.inputs.take(keep), process.logs[keep], process.sds[keep])
    fewer.share_features, fewer.features = process.share_features, process.features[keep]  # in the same units
    fewer.inverse = np.linalg.inv(fewer.covariance(fewer.inputs) + np.diag(fewer.noise))
    fewer.weights = fewer.inverse @ fewer.left
    mean, sd = fewer.predict(process.inputs.take(~keep))
    assert process.logs[~keep] - mean == pytest.approx(errors[~keep])
    assert sd == pytest.approx(spread[~keep])
    assert sds[~keep] == pytest.approx(np.sqrt(sd**2 + process.sds[~keep] ** 2))


def test_the_stated_errors_hold_for_designs_held_out():
    known, own = made_up(40, 0, noise=0.05), made_up(30, 5, "here", by=1.3, noise=0.05)
    numbers, families, ms = arrays(made_up(200, 6, by=1.3, noise=0.05))
    model = CountedLatency(known, own, 10.0, SCALES)
    off = np.abs(model.predict(numbers, families) / ms - 1)
    assert 0.05 < model.error < 0.1 and (off <= model.error).mean() == pytest.approx(0.8, abs=0.05)
    assert (off <= model.error90).mean() == pytest.approx(0.9, abs=0.05)


@pytest.fixture
def here(monkeypatch, known, tmp_path):
    """A host where nothing was timed, and a shipped table of made-up designs."""
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    monkeypatch.setattr(counted, "shipped", lambda: tuple(known))
    own = []
    monkeypatch.setattr(counted, "timed_at", lambda place: own)
    monkeypatch.setattr(counted, "timings_at", lambda place: len(own))
    monkeypatch.setattr(counted, "usual_ms", lambda settings: 10.0 if own else None)
    counted._here.cache_clear()
    yield own
    counted._here.cache_clear()


def test_every_design_that_is_timed_here_counts_at_once(here):
    settings = LatencySettings()
    before = CountedLatency.here(settings)
    assert before.designs == 0 and "where this host's speed is not known yet" in before.words and before.error > 0.3
    here += made_up(5, 7, "here", by=2.0)
    found = CountedLatency.here(settings)
    assert found.designs == 5 and found is CountedLatency.here(settings)
    assert found.error < 0.3 and found.words.startswith(
        "from 5 designs timed here and 40 timed elsewhere: 80 % of designs within "
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"backend": "onnxruntime"}, "no designs timed by onnxruntime ship"),
        ({"threads": 2}, "single images of float32"),
    ],
)
def test_what_no_shipped_design_tells_of_is_refused(here, changed, why):
    settings = LatencySettings(**changed)
    assert why in unknown(settings)
    with pytest.raises(InputError, match=why):
        CountedLatency.here(settings)
