"""A study's latencies at one speed of its machine; see `vitspace.measured.at_one_speed`."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from vitspace.measured import at_one_speed
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial


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


def _cpu(trial: Trial) -> tuple[str, str]:
    """Return the processor that a trial's design was timed on; machines of one name may have several."""
    return str(trial.timed_on.get("cpu")), str(trial.timed_on.get("flags"))


def _timed(trial: Trial, latency: Mapping[str, Any]) -> Trial:
    return trial if latency is trial.latency else replace(trial, latency=dict(latency), latency_ms=latency["median_ms"])
