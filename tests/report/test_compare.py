from dataclasses import replace

import pytest

from vitspace.errors import InputError
from vitspace.report.compare import Comparison


def shifted(record, by, **changes):
    """The record with scores that much higher, as a training-free proxy's may be."""
    trials = [replace(t, score=t.score + by) if t.complete else t for t in record.trials]
    loss, macs, ms = record.reference_point
    scores = [score + by for score in record.reference["scores"]]
    facts = {"reference": record.reference | {"scores": scores}, "reference_point": (loss - by, macs, ms)}
    return replace(record, trials=trials, **facts, **changes)


def test_one_study_twice_has_its_own_hypervolume(record):
    for one in (record, shifted(record, 300)):
        first, second = Comparison.of([one, replace(one, name="again")]).rows()
        assert first["common_hypervolume"] == second["common_hypervolume"] == pytest.approx(one.hypervolume)


def test_positive_scores_count(record):
    better = shifted(record, 300)
    trials = [replace(t, score=t.score - 0.3) if t.complete else t for t in better.trials]
    rows = Comparison.of([better, replace(better, name="worse", trials=trials)]).rows()
    assert rows[0]["common_hypervolume"] > rows[1]["common_hypervolume"] > 0


def test_the_noise_of_the_noisiest_study_is_said(record):
    loud = replace(record, name="loud", reference=record.reference | {"noise": 0.02})
    assert "Scores less than 0.055 apart are within noise between seeds." in Comparison.of([record, loud]).text()
    silent = [replace(record, name=name, reference={"scores": record.reference["scores"]}) for name in "ab"]
    assert "within noise" not in Comparison.of(silent).text()
    still = [replace(one, reference=one.reference | {"noise": 0.0}) for one in silent]
    assert "within noise" not in Comparison.of(still).text()


def test_latencies_of_different_machines_are_warned_of(record):
    moved = replace(record, name="b", resolved=record.resolved | {"machine": {"host": "node-2", "cpu": "EPYC"}})
    warning = "Latencies of different machines do not compare"
    assert f"**{warning}**: node-1, Xeon (msg-4G); node-2, EPYC (b)." in Comparison.of([record, moved]).text()
    assert warning not in Comparison.of([record, replace(record, name="c")]).text()


@pytest.mark.parametrize(
    ("of", "key", "value", "said"),
    [
        ("proxy", "img_size", 96, "their img_size is .*: 64, b: 96"),
        ("space", "resolution", 256, "their resolution is .*: 224, b: 256"),
    ],
)
def test_scores_of_different_recipes_are_not_compared(record, of, key, value, said):
    facts = record.resolved | {of: record.resolved[of] | {key: value}}
    with pytest.raises(InputError, match=said):
        Comparison.of([record, replace(record, name="b", resolved=facts)])


def test_one_recipe_by_two_names_compares(record):
    named = replace(record, name="b", config=record.config.model_copy(update={"proxy": "train:tiny"}))
    assert len(Comparison.of([record, named]).rows()) == 2


def test_latencies_of_different_timings_are_warned_of(record):
    other = record.config.model_copy(update={"latency_backend": "onnxruntime"})
    trials = [replace(t, latency=t.latency | {"threads": 4}) if t.complete else t for t in record.trials]
    words = Comparison.of([record, replace(record, name="b", config=other, trials=trials)]).latency_words()
    assert words == [
        ("Latencies of different back ends do not compare", "eager (msg-4G); onnxruntime (b)"),
        ("Latencies of different numbers of threads do not compare", "1 (msg-4G); 4 (b)"),
    ]
    unknown = [replace(t, latency={}) for t in record.trials]
    assert Comparison.of([record, replace(record, name="b", trials=unknown)]).latency_words() == []


def test_one_study_is_not_compared(record):
    with pytest.raises(InputError, match="at least 2 studies are compared, but got msg-4G"):
        Comparison.of([record])
