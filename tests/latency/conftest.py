"""Measured designs whose milliseconds are made up from work, so that no clock decides a test."""

import numpy as np
import pytest

from vitspace.latency import LatencySettings
from vitspace.latency.calibration import Calibration
from vitspace.latency.recorder import WORK
from vitspace.latency.samples import Sample
from vitspace.latency.work import work
from vitspace.space import load_space

RATES = {"linear macs": 2e-8, "pointwise macs": 3e-8, "cheap large": 4e-7, "views": 5e-3, "layer_norm count": 2e-2}


def milliseconds(spec):
    done = dict(zip(WORK, work(spec), strict=True))
    return sum(rate * done[name] for name, rate in RATES.items())


@pytest.fixture(scope="session")
def samples():
    """25 designs of two spaces; every second was measured while the machine ran at half its speed."""
    specs = [spec for name in ("msg", "mat") for spec in load_space(name).draw(25, "4G", seed=1)]
    slow = 1.0 + np.arange(len(specs)) % 2
    return [Sample(spec, milliseconds(spec) * by, 10.0 * by) for spec, by in zip(specs, slow, strict=True)]


@pytest.fixture(scope="session")
def calibration(samples):
    """A calibration from those designs."""
    return Calibration.of(samples, LatencySettings(runs=9), minutes=3.5)
