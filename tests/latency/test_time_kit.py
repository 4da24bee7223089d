"""The script of a kit, with runs that take as long as they say."""

import csv
import json

import pytest

from vitspace.latency import time_kit
from vitspace.latency.time_kit import COLUMNS, FACTS, LEAST_ROUNDS, MOST_ROUNDS, RefusedError, Round, Timing

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
    with pytest.raises(RefusedError, match=words):
        time_kit.read_done(out, kit, here)


def test_a_file_that_is_not_the_kit_s_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"whole")
    entry = {"file": "a.onnx", "sha256": time_kit.digest(tmp_path / "a.onnx")}
    listed = {"kit": "k", "img_size": 224, "reference": entry, "weights": [], "networks": []}
    (tmp_path / "kit.json").write_text(json.dumps(listed))
    assert time_kit.read_kit(tmp_path)["reference"] == entry
    (tmp_path / "a.onnx").write_bytes(b"who")
    with pytest.raises(RefusedError, match="copy the kit's folder again"):
        time_kit.read_kit(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "holds kit.json"), ('{"kit": "k", "netw', "is cut off or changed"), ("[]", "is cut off or changed")],
)
def test_bad_input_is_one_line_and_exit_code_2(text, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(time_kit, "__file__", str(tmp_path / "time_kit.py"))
    monkeypatch.setattr(time_kit, "facts", lambda: HERE)
    if text:
        (tmp_path / "kit.json").write_text(text)
    assert time_kit.main([]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and words in line


def test_a_network_that_onnxruntime_does_not_know_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"none")
    with pytest.raises(RefusedError, match=r"cannot run a\.onnx, a newer one may: "):
        time_kit.open_network(tmp_path / "a.onnx", 224)


def test_options_are_percent_and_seconds(tmp_path):
    assert time_kit.read_options(["--precision", "2"], tmp_path).precision == 0.02
    with pytest.raises(SystemExit):
        time_kit.read_options(["--precision", "0"], tmp_path)


def test_durations_are_written_as_people_do():
    assert [time_kit.duration(seconds) for seconds in (40, 750)] == ["40 s", "12 min"]
