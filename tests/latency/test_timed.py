from dataclasses import replace

import pytest

from vitspace.costs import cost
from vitspace.families import FAMILIES, anchor
from vitspace.latency import Latency
from vitspace.latency.table import read_rows, shipped, write_rows
from vitspace.latency.timed import TimedDesign, remember, timed_at, timings_at

LATENCY = Latency(20.0, 19.0, 22.0, 19.0, 21.0, 25.0, 50.0, 40.0, 0.01, "eager", 9, 1, 1, "float32", "here")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))


def test_what_is_timed_is_kept_with_what_was_counted():
    spec = anchor("mat_1").spec
    assert timed_at("here") == [] and timings_at("here") == 0
    remember("here", spec, LATENCY, 224)
    [row] = timed_at("here")
    assert (row.spec_id, row.family, row.ms, row.reference_ms) == (spec.id, "mat", 20.0, 40.0)
    assert row.counted == cost(spec).numbers and row.sd == pytest.approx(0.0249, abs=1e-4)
    assert timed_at("there") == []


def test_a_design_that_is_timed_again_is_news():
    spec = anchor("mat_1").spec
    remember("here", spec, LATENCY, 224)
    first = timings_at("here")
    remember("here", spec, replace(LATENCY, median_ms=30.0, high_ms=31.0), 224)
    assert timings_at("here") > first and [row.ms for row in timed_at("here")] == [30.0]


def test_a_table_is_read_as_it_was_written(tmp_path):
    row = replace(TimedDesign.of(anchor("mat_1").spec, LATENCY, 224), host="a CPU, held to AVX2", date="2026-11-30")
    write_rows(tmp_path / "timed.csv", [row])
    [again] = read_rows((tmp_path / "timed.csv").read_text().splitlines())
    assert replace(again, sd=row.sd) == row and again.sd == pytest.approx(row.sd, rel=1e-5)


@pytest.mark.parametrize("backend", sorted({row.backend for row in shipped()}))
def test_designs_of_all_families_ship(backend):
    rows = [row for row in shipped() if row.backend == backend]
    assert {row.family for row in rows} == {*FAMILIES, "hybrid"}
    assert len({(row.host, row.spec_id) for row in rows}) == len(rows)
    assert all(0.0 < row.sd < 0.2 and 0.05 < row.ms / row.reference_ms < 50 for row in rows)
