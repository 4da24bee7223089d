"""Timing designs for the shipped table, with milliseconds made up in the place of a clock."""

from dataclasses import dataclass

import pytest

from vitspace.latency import Latency, LatencySettings, acquainting
from vitspace.latency.acquainting import acquaint, get_acquainted, probes
from vitspace.latency.counted import unknown
from vitspace.latency.table import read_rows
from vitspace.profile import prior


@dataclass
class Known:
    """What predicts latency from so many designs of this host."""

    designs: int

    @property
    def words(self):
        return f"from {self.designs} designs"


@pytest.fixture
def clock(monkeypatch):
    """All designs take 20 ms; tells which were timed."""
    timed = []

    def measure(spec, settings, again):
        timed.append(spec)
        times = dict.fromkeys(("median_ms", "p10_ms", "p90_ms", "low_ms", "measured_ms"), 20.0) | {"high_ms": 21.0}
        known = {"reference_ms": 15.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.0, "host": "here"}
        return Latency(**times, **known, backend=settings.backend, runs=9, threads=1, batch=1, dtype="float32")

    monkeypatch.setattr(prior, "measure", measure)
    monkeypatch.setattr(acquainting, "measure", measure)
    return timed


def test_a_table_is_made_of_drawn_designs_and_anchors_and_keeps_other_hosts(clock, monkeypatch, tmp_path):
    monkeypatch.setattr(prior, "data_names", lambda folder: ["mat", "unified"])
    out = tmp_path / "timed.csv"
    prior.make(LatencySettings(), 2, "one", out)
    made = prior.make(LatencySettings(), 3, "two", out)
    prior.make(LatencySettings(), 3, "two", out)
    rows = read_rows(out.read_text().splitlines())
    assert {row.family for row in rows} == {"mat"} and {row.host for row in rows} == {"one", "two"}
    assert len(made) == sum(row.host == "two" for row in rows) == sum(row.host == "one" for row in rows) + 1
    assert {(row.ms, row.reference_ms) for row in rows} == {(20.0, 10.0)}


def test_a_host_that_is_known_is_not_timed_again(clock, monkeypatch):
    told, known = [], Known(designs=0)
    monkeypatch.setattr(acquainting.CountedLatency, "here", lambda settings: known)
    monkeypatch.setattr(acquainting, "acquaint", lambda settings: vars(known).update(designs=6))
    for _ in range(2):
        get_acquainted(LatencySettings(), told.append)
    assert len(told) == 2 and "timing published designs for a minute" in told[0]
    assert told[1] == "latency is predicted from 6 designs"


@pytest.mark.parametrize("changed", [{"threads": 2}, {"backend": "openvino-int8"}])
def test_what_no_shipped_design_tells_of_is_not_timed_beforehand_and_that_is_said(clock, changed):
    told = []
    get_acquainted(LatencySettings(**changed), told.append)
    assert not clock and told == [f"no prediction from what is counted: {unknown(LatencySettings(**changed))}"]


def test_one_gets_acquainted_by_the_smallest_anchors_of_all_families(clock, monkeypatch):
    first = list(probes(224))[:6]
    assert len({spec.family for spec in first}) == 6
    ticks = iter(range(100))
    monkeypatch.setattr(acquainting.time, "monotonic", lambda: float(next(ticks)))
    assert acquaint(LatencySettings(), seconds=4.0) == 3 and clock == first[:3]
