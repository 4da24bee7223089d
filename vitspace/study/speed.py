"""A study's latencies at one speed of its machine."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from typing import Any

from vitspace.doubt import facts_of
from vitspace.measured import REPEAT_SD, Latency, runtime_of
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

_NEEDED = {field.name for field in fields(Latency) if field.default is MISSING}
_KNOWN = {field.name for field in fields(Latency)}


def trials_at_one_speed(trials: list[Trial]) -> list[Trial]:
    """Return trials of one study with their latencies at one speed."""
    found = at_one_speed([trial.latency for trial in trials], [(trial.img_size, _cpu(trial)) for trial in trials])
    return [_timed(trial, latency) for trial, latency in zip(trials, found, strict=True)]


def record_at_one_speed(record: StudyRecord) -> StudyRecord:
    """Return a study with the latencies of its trials and of the public networks beside them at one speed."""
    latencies = [trial.latency for trial in record.trials] + [peer.latency for peer in record.peers]
    # Public networks are timed where the last designs are.
    here = _cpu(record.trials[-1]) if record.trials else None
    settings: list[Hashable] = [(record.size_of(trial), _cpu(trial)) for trial in record.trials]
    settings += [(peer.img_size, here) for peer in record.peers]
    found = iter(at_one_speed(latencies, settings))
    trials = [_timed(trial, next(found)) for trial in record.trials]
    peers = [replace(peer, latency=dict(next(found))) for peer in record.peers]
    return replace(record, trials=trials, peers=peers)


def at_one_speed(latencies: Sequence[Mapping[str, Any]], settings: Sequence[Hashable]) -> list[Mapping[str, Any]]:
    """Restate latencies of one host and setting at one usual time of the reference, the least of theirs.

    That time is learnt as a host is used. What was stated early, on a busy machine, was stated at too slow a speed, and
    does not compare with what was stated later. It is known as well as the latency knows it that knows it best.

    Args:
        latencies: Fields of `Latency` and others; those that lack one, as predictions do, stay as they are.
        settings: What they are told apart by beside that: size of image and processor of each.
    """
    found = [_read(latency) for latency in latencies]
    usual: dict[Hashable, tuple[float, float]] = {}
    for each, setting in zip(found, settings, strict=True):
        if each:
            ms, sd = usual.get(_setting(each, setting), (math.inf, math.inf))
            usual[_setting(each, setting)] = min(each.usual_ms, ms), min(each.usual_sd, sd)
    return [
        latency
        if each is None or (each.usual_ms, each.usual_sd) == usual[_setting(each, setting)]
        else {**latency, **facts_of(each.at_usual(*usual[_setting(each, setting)]))}
        for latency, each, setting in zip(latencies, found, settings, strict=True)
    ]


def _read(latency: Mapping[str, Any]) -> Latency | None:
    """Return a latency that was measured and is known whole."""
    if not latency.keys() >= _NEEDED or runtime_of(latency["backend"]) not in REPEAT_SD:
        return None
    return Latency(**{name: value for name, value in latency.items() if name in _KNOWN})


def _setting(latency: Latency, setting: Hashable) -> Hashable:
    return latency.host, latency.backend, latency.threads, latency.batch, latency.dtype, setting


def _cpu(trial: Trial) -> tuple[str, str]:
    """Return the processor that a trial's design was timed on; machines of one name may have several."""
    return str(trial.timed_on.get("cpu")), str(trial.timed_on.get("flags"))


def _timed(trial: Trial, latency: Mapping[str, Any]) -> Trial:
    return trial if latency is trial.latency else replace(trial, latency=dict(latency), latency_ms=latency["median_ms"])
