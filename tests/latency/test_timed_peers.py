from dataclasses import replace

import pytest
import torch

from vitspace.accuracy.peers import Peer
from vitspace.latency import Latency, LatencySettings, peers
from vitspace.latency.peers import time_peer, timed_peer

PEER = Peer("mobilenetv4_conv_small_050.e3000_r224_in1k", 96, 2_237_000, 12_000_000)
SETTINGS = LatencySettings(runs=3)


def test_a_peer_is_timed_once_for_images_of_its_own_size(monkeypatch):
    asked, real = [], peers.time_network

    def time_network(network, settings):
        asked.append((settings, network(torch.zeros(1, 3, 96, 96)).shape, network.training))
        return real(network, settings)

    monkeypatch.setattr(peers, "time_network", time_network)
    monkeypatch.setattr("vitspace.measured.UNSURE", float("inf"))
    assert timed_peer(PEER, SETTINGS) is None
    found = time_peer(PEER, SETTINGS)
    assert found.low_ms <= found.median_ms <= found.high_ms and found.backend == "eager"
    assert asked == [(replace(SETTINGS, img_size=96), (1, 1000), False)]
    again = time_peer(PEER, SETTINGS)
    assert len(asked) == 1 and again == timed_peer(PEER, SETTINGS) and again.runs == found.runs
    assert timed_peer(PEER, replace(SETTINGS, batch=2)) is None


def test_an_interrupted_timing_keeps_nothing(monkeypatch):
    def interrupted(network, settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(peers, "time_network", interrupted)
    other = replace(PEER, img_size=64)
    with pytest.raises(KeyboardInterrupt):
        time_peer(other, SETTINGS)
    assert timed_peer(other, SETTINGS) is None


def test_an_unsure_timing_is_made_again(monkeypatch):
    asked = []

    def time_network(network, settings):
        asked.append(settings)
        low, high, spread = (4.9, 5.1, 0.0) if asked[1:] else (2.0, 12.0, 1.0)
        known = {"reference_ms": 1.0, "usual_ms": 1.0, "core_share": 1.0, "spread": spread, "host": "test"}
        ran = {"backend": "eager", "runs": 3, "threads": 1, "batch": 1, "dtype": "float32"}
        return Latency(5.0, 5.0, 5.0, low, high, 5.0, **known, **ran)

    monkeypatch.setattr(peers, "time_network", time_network)
    other = replace(PEER, img_size=128)
    doubtful = time_peer(other, SETTINGS)
    assert doubtful.unsure and timed_peer(other, SETTINGS) is None
    assert not time_peer(other, SETTINGS).unsure and len(asked) == 2 and timed_peer(other, SETTINGS)
