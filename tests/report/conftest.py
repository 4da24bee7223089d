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
        StudyConfig(space="msg", budget="4G", accuracy="proxy", trials=16),
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
    return StudyRecord("bare", StudyConfig(space="msg", accuracy="proxy"), [])


@pytest.fixture(scope="session")
def lone():
    """One completed design, no anchor, no budget, no reference."""
    return StudyRecord("lone", StudyConfig(space="msg", accuracy="proxy"), [trial(1, 1e9, 10.0, -2.8)])


#: (macs, latency_ms, estimated top-1, proxy's score): MSG-T; on the front but for the fifth, the last level with MSG-T.
ESTIMATED = [
    (3.8e9, 40.0, 82.4, -2.50),
    (1.0e9, 10.0, 77.0, -2.80),
    (2.0e9, 30.0, 80.1, -2.70),
    (1.5e9, 20.0, 79.2, -3.10),
    (3.0e9, 35.0, 80.0, -2.72),
    (3.4e9, 28.0, 82.0, -2.55),
]


def estimated(number, macs, latency_ms, top1, proxy_score):
    """A trial of a study in points; the first is MSG-T at its published accuracy, predicted half a point below it."""
    anchor = None if number else "msg_tiny"
    made = trial(number, macs, latency_ms, top1, anchor)
    estimate = {"prior": top1, "prior_sd": 0.9, "low90": top1 - 1.6, "high90": top1 + 1.4, "inside": True}
    estimate |= {"outside": [], "nearest": ["swin_tiny_patch4_window7_224"], "published": None, "shift": 0.0}
    if anchor:
        estimate |= {"prior": top1 - 0.5, "published": top1}
    return replace(
        made,
        score_std=0.3 if anchor else 0.9,
        proxy_score=proxy_score,
        latency=made.latency | {"low_ms": latency_ms * 0.97, "high_ms": latency_ms * 1.03},
        estimate=estimate,
        details={"timed_seconds": 3.0, "proxy_seconds": 20.0, "waited_seconds": 1.0},
    )


@pytest.fixture(scope="session")
def points(record):
    """A study in points."""
    trials = [estimated(number, *values) for number, values in enumerate(ESTIMATED)]
    wide = trials[1].estimate | {"inside": False, "outside": ["chain 10, 0.50 widths of what networks have beyond it"]}
    trials[1] = replace(trials[1], estimate=wide)
    evidence = {"evidence": "train:tiny weighs 2 %: it explains little", "weight": 0.02}
    return replace(
        record,
        config=record.config.model_copy(update={"accuracy": "estimate"}),
        trials=[*trials, replace(record.trials[5], number=6), replace(record.trials[6], number=7)],
        resolved=record.resolved | {"accuracy": evidence},
        screening={"designs": 100352, "seconds": 21.0, "cloud": [[1e9, 75.0], [2e9, 78.5], [3.5e9, 80.5]]},
        reference={"chance_loss": 3.0, "spec_id": trials[0].spec.id, "name": "msg_tiny", "scores": [82.4]},
        reference_point=(-70.0, 4e9, 60.0),
    )


@pytest.fixture(scope="session")
def new(points):
    """A study in points of which no trial has ended."""
    return replace(points, name="new", trials=[], screening={}, resolved={}, reference={}, reference_point=None)


@pytest.fixture(scope="session")
def browser():
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium: apt install chromium")
    made = Browser(program)
    yield made
    made.close()
