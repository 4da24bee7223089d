"""What comes from outside, mutated: it is read, or refused in one line, and nothing is written elsewhere."""

import contextlib
import json
import random
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from mutating import mutated, tally, told
from safetensors.torch import save_file

import vitspace
from vitspace import cache
from vitspace.anchors import all_anchors, assemble
from vitspace.export.model import untrained
from vitspace.files import data_folder
from vitspace.report.dashboard import note_text
from vitspace.report.markdown import report_text
from vitspace.report.printed import study_data
from vitspace.report.study_file import read_study, report_folder
from vitspace.study.config import StudyConfig
from vitspace.study.peer import StudyPeer
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.training.weights import read_weights

pytestmark = pytest.mark.slow


def test_specs():
    draw, counts = random.Random(0), Counter()
    known = [row.spec.to_dict() for row in all_anchors().values() if row.spec]

    def read(text):
        spec = vitspace.Spec.from_json(text)
        costs = vitspace.cost(spec)
        assert costs.params > 0 and costs.macs > 0 and vitspace.Spec.from_json(spec.to_json()) == spec

    for _ in range(2000):
        text = json.dumps(mutated(draw.choice(known), draw))
        tally(counts, lambda text=text: read(text), text)
    told("specs", counts)


def test_texts_that_are_no_specs():
    draw, counts = random.Random(1), Counter()
    text = all_anchors()["msg_tiny"].spec.to_json()
    for _ in range(500):
        at, size = draw.randrange(len(text)), draw.choice((0, 1, 1, 5))
        other = (
            text[:at]
            + draw.choice(("", "{", "[" * 5000, "9" * 5000, "1e999", "\\ud800", "NaN", '"'))
            + text[at + size :]
        )
        tally(counts, lambda text=other: vitspace.Spec.from_json(text), other)
    told("texts", counts)


def test_space_files(tmp_path):
    draw, counts = random.Random(2), Counter()
    known = [yaml.safe_load(path.read_text()) for path in sorted(data_folder("spaces").glob("*.yaml"))]
    rules = (
        "10**10**10 > 1",
        "dim ** 99 > 0",
        "(" * 200 + "1" + ")" * 200,
        "dim > " + "1+" * 3000 + "1",
        "dim << 9**9 > 0",
    )
    lines = (
        "x: &a [*a]",
        "x: 2024-13-45",
        "x: 0x_",
        "x: !!bool x",
        "x: !!float 1_",
        'x: "\\ud800"',
        "x: " + "[" * 3000,
        "? {a: b}\n: c",
    )
    for number in range(500):
        data = mutated(draw.choice(known), draw)
        if number % 5 == 0 and isinstance(data, dict):
            data["rules"] = [draw.choice(rules)]
        with contextlib.suppress(yaml.YAMLError, UnicodeEncodeError, RecursionError):
            path = tmp_path / "space.yaml"
            path.write_text(yaml.safe_dump(data) + (draw.choice(lines) + "\n" if number % 3 == 0 else ""))
            tally(counts, lambda path=path: vitspace.load_space(str(path)), path.read_text()[:2000])
    told("space files", counts)


def record():
    specs = [all_anchors()[name].spec for name in ("msg_tiny", "mat_2", "emsnet_xxtiny")]
    timed = {"p10_ms": 39.0, "p90_ms": 41.0, "low_ms": 39.5, "high_ms": 40.5, "threads": 1, "batch": 1, "doubt": ""}
    trials = [
        Trial(
            n,
            "complete",
            spec,
            params=10**7,
            macs=10**9 * (n + 1),
            latency_ms=40.0 - n,
            latency=timed,
            score=-2.0 + n / 9,
        )
        for n, spec in enumerate(specs)
    ]
    estimate = {"prior": 75.0, "prior_sd": 0.7, "low90": 74.0, "high90": 76.0, "published": 75.5, "nearest": "mat_2"}
    trials[0] = replace(trials[0], score=75.5, score_std=0.4, proxy_score=-2.0, estimate=estimate)
    trials += [Trial(3, "over_budget", specs[0], why="FLOPs 5G"), Trial(4, "invalid", why="a | b")]
    resolved = {
        "command": "vitspace search",
        "machine": {"host": "h", "cpu": "c"},
        "proxy": {"name": "train:tiny", "steps": 80, "img_size": 64, "batch_size": 16, "trains": True},
        "space": {"name": "msg", "resolution": 224},
        "resumed": [{"engine": "ray", "sampler": "random"}],
    }
    reference = {"chance_loss": 3.0, "name": "msg_tiny", "scores": [-2.5, -2.4], "noise": 0.1}
    return StudyRecord(
        "s",
        StudyConfig(space="msg"),
        trials,
        resolved=resolved,
        screening={"designs": 1000, "seconds": 9.5, "cloud": [[1e9, 70.0], [2e9, 75.5]], "chosen": [specs[0].id]},
        peers=[StudyPeer("resnet50.a1_in1k", 224, 25_557_032, 4 * 10**9, 80.2, "600 epochs", latency=timed)],
        reference=reference,
        reference_point=(3.0, 4e9, 60.0),
        seconds=300.0,
    )


def test_studies_of_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw, counts, known = random.Random(3), Counter(), study_data(record())

    def read(folder):
        found = read_study(folder)
        assert Path("reports") in report_folder(found.name).parents
        assert "<img" not in report_text(found) + note_text(found)
        found.to_json()
        _ = found.digest

    for _ in range(200):
        (tmp_path / "study.json").write_text(json.dumps(mutated(known, draw)))
        tally(counts, lambda: read(tmp_path), (tmp_path / "study.json").read_text())
    told("study.json", counts)


def test_entries_of_the_cache(tmp_path, monkeypatch):
    """A changed entry is no entry, whatever its numbers are."""
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    draw, counts = random.Random(4), Counter()
    entry = {"total": [1, 2, 3], "shape": [1, 3, 8, 8], "carry_shape": None, "median_ms": 12.5, "host": "h"}
    for number in range(200):
        cache.store("kind", {"key": entry})
        [(text,)] = sqlite3.connect(cache.cache_path()).execute("SELECT value FROM entries").fetchall()
        data = mutated(json.loads(text), draw)
        changed = json.dumps(data) if number % 2 else text[: draw.randrange(len(text))]
        with sqlite3.connect(cache.cache_path()) as connection:
            connection.execute("UPDATE entries SET value = ?", [changed])
        found = cache.load("kind")
        same = number % 2 and json.dumps(data, sort_keys=True) == json.dumps(json.loads(text), sort_keys=True)
        assert found == ({"key": entry} if same else {}), changed
        counts["read" if found else "refused"] += 1
    print(f"cache entries: 200 mutated, {counts['refused']} left out")
    assert counts["refused"] > 150


def test_metadata_of_weights(tmp_path):
    draw, counts = random.Random(5), Counter()
    stage = {"dim": [16, 32], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]}
    spec = assemble("msg", stage)
    tensors = untrained(spec, 5, 64).state_dict()
    facts = {"spec_id": spec.id, "img_size": 64, "top1": 12.5, "data": "digits", "epochs": 1, "epoch": 1, "seed": 0}
    facts |= {"val_images": 300, "classes": list("abcde"), "mean": [0.5] * 3, "std": [0.5] * 3, "crop_pct": 0.9}

    def read(path):
        found = read_weights(path).facts
        assert all(value > 0 for value in found.get("std", []))
        f"{found.get('top1', 0.0):.2f} {found.get('val_images', 0):,} {', '.join(found.get('classes', []))}"

    for number in range(200):
        text = json.dumps(mutated(facts, draw))
        text = text[: draw.randrange(len(text))] if number % 5 == 0 else text
        save_file(tensors, tmp_path / "w.safetensors", {"vitspace": text})
        tally(counts, lambda: read(tmp_path / "w.safetensors"), text)
    told("weights", counts)
