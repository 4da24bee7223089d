import pytest
import yaml

from vitspace.proxies import ProxyError, Score
from vitspace.space import load_space

AXES = {"dim": {"values": [16, 32], "scale": [1, 2, 4, 8]}, "depth": [1, 2, 3], "head_dim": [16], "mlp_ratio": [1, 2]}


class Counted:
    """A proxy that scores by depth, fails on one design if told to, and counts its calls."""

    worst = None

    def __init__(self, failing=None, name="counted"):
        self.failing, self.name, self.calls = failing, name, 0

    def describe(self):
        return {"name": self.name, "report_card": {"kendall_tau": self.calls}}

    def score(self, spec, seed, on_step=None):
        self.calls += 1
        if spec == self.failing:
            raise ProxyError("not this one")
        return Score(float(spec.stages[0].depth), 0.0)


@pytest.fixture
def counted():
    return Counted


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A space of 12 designs."""
    path = tmp_path_factory.mktemp("space") / "small.yaml"
    path.write_text(yaml.safe_dump({"family": "msg", "axes": AXES}))
    return load_space(str(path))
