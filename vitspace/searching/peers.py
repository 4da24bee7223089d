"""Peers of a study: timm's networks beside its designs, timed on the study's machine by the study's settings."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace

from vitspace.accuracy.peers import DEFAULT, NONE, Peer, check_peers, find_peers
from vitspace.accuracy.recipes import WORDS
from vitspace.doubt import facts_of, warn_of_doubt
from vitspace.image_sizes import mean_side
from vitspace.latency import Latency
from vitspace.latency.peers import time_peer, timed_peer
from vitspace.machine.host import cpu
from vitspace.plots.names import public_name
from vitspace.searching.latency import timing_of
from vitspace.searching.retiming import other_machines
from vitspace.study.config import BEFORE, StudyConfig
from vitspace.study.peer import StudyPeer
from vitspace.study.record import StudyRecord
from vitspace.study.store import StudyStore
from vitspace.units import format_seconds
from vitspace.words import cause

#: Is told something worth a line; and the peers as far as they are timed.
Note = Callable[[str], None]
Keep = Callable[[list[StudyPeer]], None]


def keep_peers(store: StudyStore, note: Note, text: str | None = None) -> None:
    """Time the peers that a stored study asks for, as far as they were not, and store them with it.

    Args:
        store: The study.
        note: Is told what that takes.
        text: Other ones that it asks for from now on; see `vitspace.accuracy.peers.find_peers`.

    Raises:
        InputError: timm has no such network.
    """
    record = store.record()
    if text is not None and text != record.config.peers:
        check_peers(text)
        store.set(config=StudyConfig.of(BEFORE | store.study.user_attrs["config"] | {"peers": text}))
    elif text is None and record.peers and all(peer.latency or peer.why for peer in record.peers):
        return
    _peers_of(record, text or record.config.peers, note, lambda peers: store.set(peers=[p.to_dict() for p in peers]))


def with_peers(record: StudyRecord, text: str, note: Note) -> StudyRecord:
    """Return a study with other peers beside it; nothing of it is stored.

    Raises:
        InputError: timm has no such network.
    """
    config = StudyConfig.of(record.config.model_dump() | {"peers": text})
    peers = _peers_of(record, text, note)
    return replace(record, config=config, peers=peers)


def _peers_of(record: StudyRecord, text: str, note: Note, keep: Keep = lambda peers: None) -> list[StudyPeer]:
    """Return the peers of a study, timed as far as they can be where its designs were.

    Args:
        record: The study.
        text: Which ones.
        note: Is told what timing them takes.
        keep: Is told of them before the first is timed, where they are others than the study's, and after each.

    Raises:
        InputError: timm has no such network.
    """
    before, why = {peer.name: peer for peer in record.peers}, _why_not_timed(record)
    wanted = _wanted(record, text)
    settings = timing_of(record.config)
    found = [
        old
        if (old := before.get(peer.name)) and old.latency
        else _shown(peer, None if why else timed_peer(peer, settings), why)
        for peer in wanted
    ]
    if found != record.peers:
        keep(found)
    waiting = [] if why else [i for i, peer in enumerate(found) if not peer.latency]
    if not waiting:
        return found
    names, began = ", ".join(found[i].name for i in waiting), time.perf_counter()
    note(f"timing public networks beside the designs, once on this machine (--peers {NONE} leaves them out): {names}")
    for i in waiting:
        found[i] = _timed(wanted[i], record.config)
        keep(found)
    for peer in (found[i] for i in waiting if found[i].why):
        note(f"{peer.name} is not timed: {peer.why}")
    done = sum(not found[i].why for i in waiting)
    note(f"{done} of {len(waiting)} timed in {format_seconds(time.perf_counter() - began)}, and kept for later studies")
    return found


def _wanted(record: StudyRecord, text: str) -> list[Peer]:
    """Return the networks of a text; the default ones are within the limits, or of no more FLOPs than the designs.

    By default there are none beside scores of a proxy, with which published accuracies do not compare.
    """
    size = round(mean_side(record.img_size))
    limits, done = record.config.limits, [trial.macs for trial in record.completed if trial.macs]
    if text == DEFAULT and (record.config.is_dense or not (done and record.in_points)):
        return []
    most = limits.macs[1] if limits.macs[1] < math.inf else max(done, default=0)
    return find_peers(text, size, most, limits.params[1])


def _why_not_timed(record: StudyRecord) -> str:
    """Say why networks timed here do not compare with a study's designs, or return an empty string."""
    if device := record.config.limits.device:
        return f"latency is predicted for {device}"
    others = other_machines(record.completed)
    return f"the designs were timed on {', '.join(others)}, and this is {cpu()['cpu']}" if others else ""


def _timed(peer: Peer, config: StudyConfig) -> StudyPeer:
    began = time.perf_counter()
    try:
        latency = time_peer(peer, timing_of(config))
        warn_of_doubt(public_name(peer.name), latency)
        return replace(_shown(peer, latency), seconds=time.perf_counter() - began)
    except Exception as error:
        # Whatever a network of others does to a back end, the study is complete without it; the reason is shown.
        return _shown(peer, None, cause(error))


def _shown(peer: Peer, latency: Latency | None, why: str = "") -> StudyPeer:
    facts = {name: value for name, value in asdict(peer).items() if name != "recipe"}
    timed = facts_of(latency) if latency else {}
    return StudyPeer(**facts, recipe=WORDS[peer.recipe], like_for_like=peer.like_for_like, latency=timed, why=why)
