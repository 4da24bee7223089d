"""A small space, and shared weights that were trained a few steps on it."""

from pathlib import Path

import pytest
import yaml
from telling import RECIPE, Told

from vitspace.supernet import SupernetRequest, train

SPACE = {
    "family": "mat",
    "resolution": 64,
    "axes": {
        "head.width": [32],
        "dim": {"values": [8, 16], "scale": [1, 2, 2, 4]},
        "depth": {"each": [1, 2]},
        "mixer": {"each": ["none", "mat"]},
        "heads": {"each": [2, 4], "when": {"mixer": ["mat"]}},
        "mlp_ratio": {"each": [2, 4]},
    },
}


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """The file of a small space."""
    path = tmp_path_factory.mktemp("spaces") / "small.yaml"
    path.write_text(yaml.safe_dump(SPACE))
    return path


@pytest.fixture
def ask(small, tmp_path):
    """A request for a training of four steps, with changes."""

    def make(**changes):
        usual = {"space": str(small), "out": tmp_path / "out", "recipe": RECIPE, "data": "fractal:3", "device": "cpu"}
        return SupernetRequest(**(usual | changes))

    return make


@pytest.fixture(scope="session")
def trained(small, tmp_path_factory):
    """A folder of shared weights, and what was told while they were trained."""
    out, told = tmp_path_factory.mktemp("trained") / "small-net", Told()
    facts = train(SupernetRequest(str(small), out, recipe=RECIPE, data="fractal:3", device="cpu"), told)
    return out, facts, told
