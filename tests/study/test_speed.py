from dataclasses import asdict, replace

import pytest

from vitspace.doubt import facts_of
from vitspace.measured import Latency
from vitspace.study.config import StudyConfig
from vitspace.study.peer import StudyPeer
from vitspace.study.record import StudyRecord
from vitspace.study.speed import at_one_speed, record_at_one_speed, trials_at_one_speed
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

TIMES = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "high_ms", "measured_ms"), 20.0)
FACTS = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01, "host": "here", "backend": "eager"}
LATE = Latency(**TIMES, **FACTS, runs=9, threads=1, batch=1, dtype="float32", precision=0.03).at_usual(10.0)
EARLY = replace(LATE, reference_ms=12.5).at_usual(12.5)


def trial(number, latency, img_size=None):
    found = facts_of(latency)
    return Trial(number, "complete", img_size=img_size, score=80.0, macs=1, latency_ms=latency.median_ms, latency=found)


def test_designs_of_an_early_and_a_busy_hour_compare_with_later_ones():
    early, late = trials_at_one_speed([trial(0, EARLY), trial(1, LATE)])
    assert early.latency_ms == early.latency["median_ms"] == late.latency_ms == 20.0
    assert early.latency["usual_ms"] == 10.0 and early.latency_doubt and late == trial(1, LATE)


def test_a_study_that_began_on_a_busy_machine_is_restated_by_a_later_quiet_timing(tmp_path):
    busy = replace(LATE, reference_ms=11.6, core_share=None).at_usual(11.6, 0.12)
    store = StudyStore.create(open_storage(f"{tmp_path}/s.journal"), "s", StudyConfig(space="msg"), {})
    for number in (0, 1):
        store.save(store.study.ask(), replace(trial(number, busy), params=1))
    assert all(each.latency_doubt and each.latency["usual_sd"] == 0.12 for each in store.trials())
    store.retime(trial(1, LATE))
    first, second = store.trials()
    known = busy.at_usual(10.0)
    assert (first.latency, second.latency) == (facts_of(known), facts_of(LATE))
    assert first.latency_ms == known.median_ms < busy.median_ms


def test_designs_of_two_processors_of_one_name_stay_as_they_are():
    trials = [replace(trial(i, each), details={"host": {"cpu": f"cpu {i}"}}) for i, each in enumerate((EARLY, LATE))]
    assert trials_at_one_speed(trials) == trials


def test_public_networks_of_a_size_are_at_the_speed_of_the_designs_of_that_size():
    peers = [StudyPeer(name, size, 1, 1, latency=facts_of(EARLY)) for name, size in (("a", 224), ("b", 256))]
    record = StudyRecord("s", StudyConfig(space="msg"), [trial(0, LATE)], peers=peers)
    found = record_at_one_speed(record)
    assert [peer.latency_ms for peer in found.peers] == [20.0, 25.0] and found.trials == record.trials


def test_latencies_are_restated_at_the_least_usual_time_of_their_setting():
    early = replace(LATE, reference_ms=12.0).at_usual(12.5)
    elsewhere, threads = replace(early, host="there"), replace(early, threads=2)
    all_of = [facts_of(early), facts_of(LATE), facts_of(elsewhere), facts_of(threads), facts_of(early)]
    found = at_one_speed(all_of, [224, 224, 224, 224, 96])
    assert found[0] == facts_of(early.at_usual(10.0)) and found[0]["median_ms"] == pytest.approx(20.0)
    assert found[0]["high_ms"] / found[0]["median_ms"] > early.high_ms / early.median_ms
    assert found[1:] == all_of[1:]


def test_a_latency_of_a_quiet_machine_makes_those_before_it_sure():
    first = replace(LATE, reference_ms=10.2, core_share=0.4).at_usual(10.2, 0.12)
    assert at_one_speed([facts_of(first)], [224]) == [facts_of(first)] and first.unsure
    found = at_one_speed([facts_of(first), facts_of(LATE)], [224, 224])
    assert found == [facts_of(first.at_usual(10.0)), facts_of(LATE)] and not found[0]["doubt"]


def test_what_else_is_known_of_a_latency_is_kept():
    early = LATE.at_usual(12.5)
    (found, _) = at_one_speed([facts_of(early) | {"note": "x"}, facts_of(LATE)], [None, None])
    assert found["note"] == "x" and found["usual_ms"] == 10.0


@pytest.mark.parametrize("other", [{}, {"median_ms": 30.0, "device": "pi5"}, asdict(LATE) | {"backend": "tflite"}])
def test_predictions_and_latencies_of_other_kinds_stay_as_they_are(other):
    found = at_one_speed([other, facts_of(LATE.at_usual(5.0))], [224, 224])
    assert found[0] is other
