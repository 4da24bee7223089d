from dataclasses import replace

import pytest
from browser import Browser, find_browser

import vitspace
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

#: (macs, latency_ms, score): four on the front, MSG-T the last of them; the fifth is dominated.
POINTS = [(3.8e9, 40.0, -2.50), (1.0e9, 10.0, -2.80), (2.0e9, 30.0, -2.70), (1.5e9, 20.0, -2.75), (3.0e9, 35.0, -2.72)]


def design(depth):
    spec = vitspace.anchor("msg_tiny").spec
    return replace(spec, stages=(*spec.stages[:3], spec.stages[3].changed(depth=depth)))


def trial(number, macs, latency_ms, score, anchor=None):
    return Trial(
        number,
        "complete",
        vitspace.anchor("msg_tiny").spec if anchor else design(number + 4),
        anchor=anchor,
        params=25_000_000,
        macs=int(macs),
        latency_ms=latency_ms,
        latency={"p10_ms": latency_ms * 0.9, "p90_ms": latency_ms * 1.1, "threads": 1, "batch": 1},
        score=score,
        seconds=27.0,
    )


@pytest.fixture(scope="session")
def record():
    trials = [trial(i, *point, anchor=None if i else "msg_tiny") for i, point in enumerate(POINTS)]
    trials.append(Trial(5, "over_budget", design(9), why="FLOPs 5G outside ..4G", macs=5_000_000_000, params=10))
    trials.append(Trial(6, "invalid", why="a | b must hold"))
    return StudyRecord(
        "msg-4G",
        StudyConfig(space="msg", budget="4G"),
        trials,
        resolved={
            "command": "vitspace search --space msg --budget 4G",
            "machine": {"host": "node-1", "cpu": "Xeon", "date": "2026-01-02"},
            "proxy": {"name": "train", "data": "fractal", "img_size": 64, "steps": 40, "batch_size": 32},
            "space": {"name": "msg", "family": "msg", "resolution": 224},
            "convention": "1 FLOP = 1 multiply-add",
        },
        reference={"chance_loss": 3.0, "name": "msg_tiny", "scores": [-2.5, -2.52], "noise": 0.01},
        reference_point=(3.0, 4e9, 60.0),
        seconds=300.0,
    )


@pytest.fixture(scope="session")
def bare():
    """A study of which nothing is known but its name."""
    return StudyRecord("bare", StudyConfig(space="msg"), [])


@pytest.fixture(scope="session")
def lone():
    """One completed design, no anchor, no budget, no reference."""
    return StudyRecord("lone", StudyConfig(space="msg"), [trial(1, 1e9, 10.0, -2.8)])


@pytest.fixture(scope="session")
def browser():
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium: apt install chromium")
    made = Browser(program)
    yield made
    made.close()
