"""Peers timed on this host by the protocol that designs are timed by; kept in the cache as their timings are."""

from dataclasses import replace

from vitspace.accuracy.peers import Peer, deployed
from vitspace.latency.measuring import LatencySettings, key_of, recall, retain, time_network
from vitspace.machine.host import versions
from vitspace.measured import Latency


def timed_peer(peer: Peer, settings: LatencySettings) -> Latency | None:
    """Return the latency of a network of timm as it was measured on this host before; None where that is unsure."""
    at_size = replace(settings, img_size=peer.img_size)
    found = recall(_key(peer, at_size), at_size)
    return found if found and not found.unsure else None


def time_peer(peer: Peer, settings: LatencySettings) -> Latency:
    """Return the latency of a network of timm for images of its own size, from the cache or measured now.

    Args:
        peer: The network.
        settings: How it is timed; their size of image does not count.

    Raises:
        InputError: the backend is not installed.
    """
    if before := timed_peer(peer, settings):
        return before
    at_size = replace(settings, img_size=peer.img_size)
    latency = time_network(deployed(peer.name), at_size)
    retain(_key(peer, at_size), latency)
    return latency


def _key(peer: Peer, settings: LatencySettings) -> str:
    return key_of(settings, network=peer.name.partition(".")[0], timm=versions()["timm"])
