"""Files from outside, mutated, as the command line meets them: it does its work or says in a line why not."""

import contextlib
import csv
import io
import itertools
import json
import random
import sys
from collections import Counter

import pytest
import torch
import yaml
from kits import import_device, kit_specs, milliseconds, rows_of, write_kit
from mutating import LONGEST_S, LONGEST_WORDS, mutated, told, within
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_supernet import train_small
from test_fuzz import record

from vitspace.anchors import all_anchors, assemble
from vitspace.cli import main
from vitspace.export.model import untrained
from vitspace.latency import Latency, LatencySettings
from vitspace.latency.calibration import Calibration
from vitspace.latency.devices import _read
from vitspace.latency.samples import Sample
from vitspace.latency.time_kit import COLUMNS
from vitspace.profile.memory import PeakMemory
from vitspace.report.printed import study_data


def write_json(path, data):
    path.write_text(json.dumps(data))


pytestmark = pytest.mark.slow
CASES, MOST_LINES = 40, 3
TEXTS = ("settings", "rows")
SMALL = assemble("msg", {"dim": [16, 16], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder in which commands run, within another one in which nothing else may appear."""
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    monkeypatch.setenv("VITSPACE_DEVICES", str(inner / "devices"))
    monkeypatch.setenv("COLUMNS", "160")
    return inner


def check(folder, args, what, counts):
    """Run a command: it ends with 0 or 2, says an error in three lines at most, and writes nothing outside."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(sys, "argv", ["vitspace", *map(str, args)])
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        try:
            with within(LONGEST_S * 4):  # of a busy machine
                main()
        except SystemExit as ended:
            code = ended.code or 0
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}, of {what[:2000]}") from error
    told_there = [line for line in err.getvalue().splitlines() if line.startswith("error: ")]
    assert code in (0, 2), (code, err.getvalue(), what[:2000])
    assert "Traceback" not in err.getvalue() and len(told_there) == (code == 2), (err.getvalue(), what[:2000])
    assert code == 0 or len(err.getvalue().splitlines()) <= MOST_LINES, (err.getvalue(), what[:2000])
    assert all(len(line) <= LONGEST_WORDS for line in told_there), what[:2000]
    outer = folder.parent
    assert [*outer.iterdir()] == [folder] and [*outer.parent.iterdir()] == [outer], what[:2000]
    counts["refused" if code or "warning: " in err.getvalue() else "read"] += 1


def run(name, folder, known, write, args):
    """Run the command on data as they are, and mutated."""
    draw, counts = random.Random(name), Counter()
    for number in range(1 + CASES):
        data = mutated(draw.choice(known), draw) if number else known[0]
        with contextlib.suppress(UnicodeEncodeError, yaml.YAMLError):
            write(data)
            check(folder, args, repr(data), counts)
    told(name, counts)


@pytest.fixture
def untimed(monkeypatch):
    """Profiles count and predict, and time nothing."""
    times = {"median_ms": 20.0, "p10_ms": 19.0, "p90_ms": 21.0, "low_ms": 19.9, "high_ms": 20.1, "measured_ms": 24.0}
    steady = {"reference_ms": 10.0, "usual_ms": 10.0, "core_share": 1.0, "spread": 0.01}
    quiet = Latency(**times, **steady, backend="eager", runs=5, threads=1, batch=1, dtype="float32", host="here")
    monkeypatch.setattr("vitspace.profile.parts.peak_memory", lambda *_: PeakMemory(100.0, 110.0, 130.0))
    monkeypatch.setattr("vitspace.profile.parts.measure", lambda *_: quiet)
    monkeypatch.setattr("vitspace.profile.parts.part_milliseconds", lambda *_, **__: {})


def test_specs(folder, untimed):
    known = [row.spec.to_dict() for row in all_anchors().values() if row.spec]
    file = folder / "spec.json"
    run("specs", folder, known, lambda data: file.write_text(json.dumps(data)), ["profile", file, "--json"])


def test_space_files(folder):
    dims = {"values": [8, 16], "scale": [1, 2, 2, 4]}
    axes = {"head.width": [32], "dim": dims, "depth": {"each": [1, 2]}, "mixer": {"each": ["none"]}}
    known = {"family": "mat", "resolution": 64, "axes": axes, "rules": ["dim >= 8"]}  # small, for it is explored
    file = folder / "space.yaml"
    run("space files", folder, [known], lambda data: file.write_text(yaml.safe_dump(data)), ["space", "show", file])


def test_studies_of_others(folder):
    (folder / "s").mkdir()
    args = ["report", folder / "s", "--select", "best", "--json"]
    run("study.json", folder, [study_data(record())], lambda data: write_json(folder / "s" / "study.json", data), args)


def test_metadata_of_weights(folder):
    write_json(folder / "spec.json", SMALL.to_dict())
    facts = {"spec_id": SMALL.id, "img_size": 64, "top1": 12.5, "data": "digits", "epochs": 1, "epoch": 1, "seed": 0}
    facts |= {"val_images": 300, "classes": list("abcde"), "mean": [0.5] * 3, "std": [0.5] * 3, "crop_pct": 0.9}
    args = ["export", "spec.json", "--weights", "w.safetensors", "--format", "spec", "--out", "out", "--force"]
    tensors = untrained(SMALL, 5, 64).state_dict()
    run("weights", folder, [facts], lambda data: save_noted(tensors, folder / "w.safetensors", data), args)


def test_metadata_of_shared_weights(folder):
    net, _ = train_small(folder, 64)
    file = net / "shared.safetensors"
    with safe_open(file, framework="pt") as opened:
        facts = json.loads(opened.metadata()["vitspace"])
    tensors = load_file(file)
    run("shared weights", folder, [facts], lambda data: save_noted(tensors, file, data), ["supernet", "show", net])


def test_calibrations(folder, untimed):
    specs = kit_specs()
    write_json(folder / "spec.json", specs[0].to_dict())
    samples = [Sample(spec, milliseconds(spec), 10.0) for spec in specs]
    file = folder / "c.json"
    Calibration.of(samples, LatencySettings(), minutes=1.0).save(file)
    args = ["profile", "spec.json", "--predictor", "c.json", "--any-host", "--json"]
    run("calibrations", folder, [json.loads(file.read_text())], lambda data: write_json(file, data), args)


def test_devices(folder):
    import_device(folder)
    file = folder / "devices" / "pi5.json"
    known = json.loads(file.read_text())
    run("devices", folder, [known], lambda data: (_read.cache_clear(), write_json(file, data)), ["latency", "list"])


def test_results_of_kits(folder):
    specs = kit_specs()
    write_kit(folder / "kit", specs)

    def write(data):
        rows = data if isinstance(data, list) else [data]
        cells = [[row.get(name, "") for name in COLUMNS] if isinstance(row, dict) else [row] for row in rows]
        with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *cells])

    args = ["latency", "import", "results.csv", "--name", "pi5", "--kit", "kit", "--replace"]
    run("results of kits", folder, [rows_of(specs)], write, args)


def test_metadata_of_states(folder):
    write_json(folder / "spec.json", SMALL.to_dict())
    for split, name in itertools.product(("train", "val"), "ab"):
        (folder / "photos" / split / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (40, 40), (90 * number, 30, 60)).save(folder / "photos" / split / name / f"{number}.png")
    args = ["train", "spec.json", "--data", "imagefolder:photos", "--recipe", "small", "--img-size", "32", "--epochs"]
    args += ["1", "--batch-size", "2", "--device", "cpu", "--workers", "0", "--out", "out"]
    check(folder, args, "whole", Counter())
    path = folder / "out" / "state.pt"
    state = torch.load(path, weights_only=True)
    known = {name: state[name] for name in ("done", "loss_sum", "mean", "std")}
    known |= {name: json.loads(state[name]) for name in TEXTS}

    def write(data):
        if isinstance(data, dict):
            rest = {name: value for name, value in state.items() if name not in known}
            data = rest | {name: json.dumps(value) if name in TEXTS else value for name, value in data.items()}
        torch.save(data, path)

    run("states", folder, [known], write, [*args, "--resume"])


def save_noted(tensors, path, data):
    save_file(tensors, path, {"vitspace": json.dumps(data)})
