"""Measured designs whose milliseconds are made up from work, so that no clock decides a test."""

import numpy as np
import pytest
import yaml

from vitspace.latency import LatencySettings
from vitspace.latency.calibration import Calibration
from vitspace.latency.recorder import WORK
from vitspace.latency.samples import Sample
from vitspace.latency.work import work
from vitspace.space import load_space

#: Two spaces of few different stages, since the work of each is recorded once.
SPACES = {
    "msg": {"dim": {"values": [32, 64], "scale": [1, 2, 4, 8]}, "head_dim": [32], "mlp_ratio": [2, 3]},
    "mat": {"dim": {"values": [32, 64], "scale": [1, 2, 4, 8]}, "mixer": ["none", "window"], "heads": [4]},
}
RATES = {"linear macs": 2e-8, "pointwise macs": 3e-8, "cheap large": 4e-7, "views": 5e-3, "layer_norm count": 2e-2}


def milliseconds(spec):
    done = dict(zip(WORK, work(spec), strict=True))
    return sum(rate * done[name] for name, rate in RATES.items())


def tiny_space(folder, family):
    path = folder / f"{family}.yaml"
    axes = SPACES[family] | {"depth": {"each": [1, 2, 4, 6]}}
    path.write_text(yaml.safe_dump({"family": family, "axes": axes}))
    return load_space(str(path))


@pytest.fixture
def small(tmp_path):
    """A space of one family, loaded anew."""
    return tiny_space(tmp_path, "msg")


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """25 designs of two families; every second was measured while the machine ran at half its speed."""
    folder = tmp_path_factory.mktemp("spaces")
    specs = [spec for family in SPACES for spec in tiny_space(folder, family).draw(25, seed=1)]
    slow = 1.0 + np.arange(len(specs)) % 2
    return [Sample(spec, milliseconds(spec) * by, 10.0 * by) for spec, by in zip(specs, slow, strict=True)]


@pytest.fixture(scope="session")
def calibration(samples):
    """A calibration from those designs."""
    return Calibration.of(samples, LatencySettings(runs=9), minutes=3.5)
