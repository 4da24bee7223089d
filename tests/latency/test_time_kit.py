"""The script of a kit, with runs that take as long as they say."""

import csv
import json

import pytest

from vitspace.latency import time_kit
from vitspace.latency.time_kit import COLUMNS, FACTS, LEAST_ROUNDS, MOST_ROUNDS, Round, Timing

HERE = dict.fromkeys(FACTS, "x")


@pytest.fixture
def clock(monkeypatch):
    """A clock that only runs move: each for so many milliseconds of work, and of waiting for its core."""
    now = {"wall": 0.0, "work": 0.0}
    monkeypatch.setattr(time_kit.time, "perf_counter", lambda: now["wall"])
    monkeypatch.setattr(time_kit.time, "thread_time", lambda: now["work"])

    def runner(work, waits):
        def run():
            now["work"] += work / 1e3
            now["wall"] += (work + next(waits)) / 1e3

        return run

    return runner


def waits(*values):
    while True:
        yield from values


def test_a_run_counts_in_the_time_in_which_its_thread_had_the_core(clock):
    found = time_kit.time_network(clock(10.0, waits(0.0)), clock(25.0, waits(5.0)), 0.03, 60.0)
    assert (found.ms, found.reference_ms, found.sd) == pytest.approx((25.0, 10.0, 0.0))
    assert found.interrupted == found.rounds == MOST_ROUNDS


def test_interrupted_runs_are_left_out_where_enough_others_remain(clock):
    found = time_kit.time_network(clock(10.0, waits(0.0)), clock(25.0, waits(0.0, 9.0)), 0.03, 60.0)
    assert found.rounds >= LEAST_ROUNDS and found.interrupted > 0
    assert found.ms == pytest.approx(25.0)
    slow, quiet = Round(10.0, 10.0, 90.0, 60.0), Round(10.0, 10.0, 25.0, 25.0)
    assert Timing.of([slow, *[quiet] * LEAST_ROUNDS]).ms == 25.0
    assert Timing.of([slow] * LEAST_ROUNDS + [quiet]).ms == 60.0


def test_rounds_are_added_until_the_ratio_is_known_or_the_time_is_over(clock):
    works = waits(0.0)
    steady = time_kit.time_network(clock(10.0, works), clock(25.0, works), 0.03, 60.0)
    assert steady.rounds == LEAST_ROUNDS
    late = time_kit.time_network(clock(10.0, works), clock(25.0, waits(9.0)), 0.03, 1e-6)
    assert late.rounds == LEAST_ROUNDS


def test_a_spread_grows_with_the_noise():
    rounds = [Round(10, 10, ms, ms) for ms in (20, 21, 22, 23, 24, 25, 26)]
    assert 0.01 < time_kit.spread(rounds) < 0.1


def test_results_are_gone_on_with_and_a_line_that_was_cut_off_is_dropped(tmp_path):
    out = tmp_path / "results.csv"
    for file in ("a.onnx", "b.onnx"):
        time_kit.append(out, {**dict.fromkeys(COLUMNS, "1"), **HERE, "kit": "k", "file": file})
    whole = out.read_text()
    out.write_text(whole + "k,c.onnx,12")
    assert time_kit.read_done(out, "k", HERE) == ["a.onnx", "b.onnx"]
    assert out.read_text() == whole
    assert [row["file"] for row in csv.DictReader(whole.splitlines())] == ["a.onnx", "b.onnx"]


@pytest.mark.parametrize(
    ("kit", "here", "words"), [("other", HERE, "is of kit k"), ("k", HERE | {"cpu": "y"}, "was begun with cpu x")]
)
def test_results_of_another_kit_or_device_are_not_gone_on_with(kit, here, words, tmp_path):
    out = tmp_path / "results.csv"
    time_kit.append(out, {**dict.fromkeys(COLUMNS, "1"), **HERE, "kit": "k"})
    with pytest.raises(SystemExit, match=words):
        time_kit.read_done(out, kit, here)


def test_a_file_that_is_not_the_kit_s_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"whole")
    entry = {"file": "a.onnx", "sha256": time_kit.digest(tmp_path / "a.onnx")}
    (tmp_path / "kit.json").write_text(json.dumps({"reference": entry, "weights": [], "networks": []}))
    assert time_kit.read_kit(tmp_path)["reference"] == entry
    (tmp_path / "a.onnx").write_bytes(b"who")
    with pytest.raises(SystemExit, match="copy the kit's folder again"):
        time_kit.read_kit(tmp_path)


def test_a_folder_without_a_list_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"holds kit\.json"):
        time_kit.read_kit(tmp_path)


def test_options_are_percent_and_seconds(tmp_path):
    assert time_kit.read_options(["--precision", "2"], tmp_path).precision == 0.02
    with pytest.raises(SystemExit):
        time_kit.read_options(["--precision", "0"], tmp_path)


def test_durations_are_written_as_people_do():
    assert [time_kit.duration(seconds) for seconds in (40, 750)] == ["40 s", "12 min"]
