from dataclasses import replace

import pytest

from vitspace.accuracy.peers import Peer
from vitspace.errors import InputError
from vitspace.image_sizes import mean_side
from vitspace.latency import Latency
from vitspace.searching import peers
from vitspace.searching.peers import keep_peers, with_peers
from vitspace.study.config import StudyConfig
from vitspace.study.reading import read_facts
from vitspace.study.record import StudyRecord
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

FOUND = [Peer("swin_tiny.ms", 224, 28, 4, 81.4, "deit300", "timm"), Peer("repvit.dist", 256, 8, 1, 80.8, "distilled")]


def latency(ms):
    values = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "high_ms", "measured_ms"), ms)
    known = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.0, "host": "here"}
    return Latency(**values, **known, backend="eager", runs=9, threads=1, batch=1, dtype="float32")


@pytest.fixture
def timing(monkeypatch):
    """Networks that are timed in no time; tells which, and fails where it is told."""
    told = {"timed": [], "fails": {}, "cached": {}}

    def time_peer(peer, settings):
        told["timed"].append(peer.name)
        if peer.name in told["fails"]:
            raise told["fails"][peer.name]
        return latency(20.0)

    monkeypatch.setattr(peers, "time_peer", time_peer)
    monkeypatch.setattr(peers, "timed_peer", lambda peer, settings: told["cached"].get(peer.name))
    monkeypatch.setattr(peers, "find_peers", lambda text, *_: [p for p in FOUND if text != "none"])
    return told


def trial(**changes):
    made = Trial(
        0, "complete", params=1, macs=10**9, latency_ms=9.0, score=80.0, latency={"low_ms": 8.0, "high_ms": 10.0}
    )
    return replace(made, **changes)


@pytest.fixture
def store(tmp_path):
    """A study of one trial."""
    config = StudyConfig(space="msg", budget="4G", trials=2)
    made = StudyStore.create(open_storage(str(tmp_path / "s.journal")), "s", config, {"space": {"resolution": 224}})
    made.save(made.study.ask(), trial())
    return made


def test_peers_are_timed_once_and_kept_with_the_study(store, timing):
    notes = []
    keep_peers(store, notes.append)
    kept = store.record().peers
    assert [(p.name, p.latency_ms, p.recipe, p.like_for_like) for p in kept] == [
        ("swin_tiny.ms", 20.0, "usual recipe", True),
        ("repvit.dist", 20.0, "with a teacher", False),
    ]
    assert all(peer.seconds > 0 for peer in kept) and set(store.record().seconds_by_step) == {"peers"}
    assert "timing public networks" in notes[0] and "2 of 2 timed in " in notes[1]
    keep_peers(store, notes.append)
    assert len(timing["timed"]) == len(notes) == 2


def test_what_was_timed_before_costs_nothing(store, timing):
    timing["cached"] = {peer.name: latency(7.0) for peer in FOUND}
    keep_peers(store, pytest.fail)
    assert [p.latency_ms for p in store.record().peers] == [7.0, 7.0] and not timing["timed"]
    assert store.record().seconds_by_step == {}


def test_an_interruption_keeps_what_was_timed_and_the_rest_follows(store, timing):
    timing["fails"] = {"repvit.dist": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        keep_peers(store, lambda text: None)
    assert [p.latency_ms for p in store.record().peers] == [20.0, None]
    timing["fails"] = {}
    keep_peers(store, lambda text: None)
    assert timing["timed"] == ["swin_tiny.ms", "repvit.dist", "repvit.dist"]
    assert [p.latency_ms for p in store.record().peers] == [20.0, 20.0]


def test_a_network_that_cannot_be_timed_says_why_and_stops_nothing(store, timing):
    timing["fails"], notes = {"swin_tiny.ms": RuntimeError("no such operator\nat line 3")}, []
    keep_peers(store, notes.append)
    assert [p.why for p in store.record().peers] == ["RuntimeError: no such operator", ""]
    assert "swin_tiny.ms is not timed: RuntimeError: no such operator" in notes and "1 of 2 timed" in notes[-1]


def test_other_peers_replace_them_and_none_leaves_them_out(store, timing):
    keep_peers(store, lambda text: None)
    keep_peers(store, lambda text: None, "none")
    assert store.record().peers == [] and store.config.peers == "none"
    with pytest.raises(InputError, match="a peer is a network of timm"):
        keep_peers(store, lambda text: None, "no_such_net")
    assert store.config.peers == "none"


def record(**changes):
    config = StudyConfig(space="msg", budget="4G", trials=2)
    return StudyRecord("s", config.model_copy(update=changes.pop("config", {})), [trial()], **changes)


def test_images_that_are_no_squares_are_as_large_as_their_mean_side(timing, monkeypatch):
    asked = []
    monkeypatch.setattr(peers, "find_peers", lambda *args: asked.append(args) or [])
    limits = {"budget": None, "params": "30M"}
    with_peers(record(config=limits, resolved={"space": {"resolution": [192, 256]}}), "default", pytest.fail)
    assert asked == [("default", round(mean_side([192, 256])), 10**9, 3e7)]


def test_beside_designs_of_another_machine_or_device_nothing_is_timed(timing):
    there = trial(details={"host": {"cpu": "Cortex-A76"}})
    other = with_peers(replace(record(), trials=[there]), "default", pytest.fail)
    assert all(p.why.startswith("the designs were timed on Cortex-A76, and this is ") for p in other.peers)
    on_device = with_peers(record(config={"latency": "pi5:60ms"}), "default", pytest.fail)
    assert [p.why for p in on_device.peers] == ["latency is predicted for pi5"] * 2 and not timing["timed"]


def test_by_default_there_are_none_beside_a_proxys_scores_and_before_any_design(timing):
    assert with_peers(record(config={"accuracy": "proxy"}), "default", pytest.fail).peers == []
    assert with_peers(replace(record(), trials=[]), "default", pytest.fail).peers == []
    assert len(with_peers(record(config={"accuracy": "proxy"}), "swin_tiny", lambda text: None).peers) == 2


def test_studies_of_before_ask_for_none():
    before = {name: value for name, value in StudyConfig(space="msg").model_dump().items() if name != "peers"}
    assert read_facts({"config": before})["config"].peers == "none"
