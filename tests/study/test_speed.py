from dataclasses import replace

from vitspace.measured import Latency
from vitspace.study.config import StudyConfig
from vitspace.study.peer import StudyPeer
from vitspace.study.record import StudyRecord
from vitspace.study.speed import record_at_one_speed, trials_at_one_speed
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

TIMES = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "high_ms", "measured_ms"), 20.0)
FACTS = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01, "host": "here", "backend": "eager"}
LATE = Latency(**TIMES, **FACTS, runs=9, threads=1, batch=1, dtype="float32").at_usual(10.0)
EARLY = replace(LATE, reference_ms=12.5).at_usual(12.5)


def trial(number, latency, img_size=None):
    found = latency.facts
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
    assert (first.latency, second.latency) == (known.facts, LATE.facts)
    assert first.latency_ms == known.median_ms < busy.median_ms


def test_designs_of_two_processors_of_one_name_stay_as_they_are():
    trials = [replace(trial(i, each), details={"host": {"cpu": f"cpu {i}"}}) for i, each in enumerate((EARLY, LATE))]
    assert trials_at_one_speed(trials) == trials


def test_public_networks_of_a_size_are_at_the_speed_of_the_designs_of_that_size():
    peers = [StudyPeer(name, size, 1, 1, latency=EARLY.facts) for name, size in (("a", 224), ("b", 256))]
    record = StudyRecord("s", StudyConfig(space="msg"), [trial(0, LATE)], peers=peers)
    found = record_at_one_speed(record)
    assert [peer.latency_ms for peer in found.peers] == [20.0, 25.0] and found.trials == record.trials
