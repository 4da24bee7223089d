"""A family of another package: registered by an entry point, it behaves like ours."""

import json
import os
import subprocess
import sys

import pytest

MODULE = """
from typing import Literal

from torch import nn

from vitspace.layers.head import ClassifierHead
from vitspace.spec import HeadSpec, StageSpec, StemSpec, part


@part
class Stem(StemSpec, family="plainconv"):
    def build(self, out_dim, in_chans):
        return nn.Conv2d(in_chans, out_dim, 4, stride=4)


@part
class Stage(StageSpec, family="plainconv"):
    dim: int
    depth: int
    downsample: Literal["conv", "none"] = "conv"
    kernel: int = 3

    def build(self, in_dim, carry, drop_path):
        return Row(self, in_dim)


@part
class Head(HeadSpec, family="plainconv"):
    def build(self, in_dim, carry, num_classes):
        return MeanHead(in_dim, num_classes)


class MeanHead(ClassifierHead):
    def pool(self, x, carry):
        return x.mean((2, 3))


class Row(nn.Module):
    def __init__(self, spec, in_dim):
        super().__init__()
        self.downsample = nn.Conv2d(in_dim, spec.dim, 2, stride=2) if spec.downsample == "conv" else None
        conv = lambda: nn.Conv2d(spec.dim, spec.dim, spec.kernel, padding=spec.kernel // 2)
        self.blocks = nn.ModuleList(conv() for _ in range(spec.depth))

    def forward(self, x, carry=None):
        x = x if self.downsample is None else self.downsample(x)
        for block in self.blocks:
            x = x + block(x).relu()
        return x, None
"""
SPACE = """
family: {stages: [[plainconv], [plainconv, mat], [mat], [plainconv]]}
resolution: 64
axes:
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
families:
  plainconv: {axes: {kernel: {each: [3, 5]}}}
  mat: {axes: {mixer: {each: [none]}}}
"""


@pytest.fixture
def package(tmp_path):
    """An installed package with a family, and a space that mixes it with one of ours."""
    (tmp_path / "plainconv.py").write_text(MODULE)
    info = tmp_path / "plainconv-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plainconv\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vitspace.families]\nplainconv = plainconv\n")
    (tmp_path / "mine.yaml").write_text(SPACE)
    return tmp_path


def run(folder, *args):
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *args], cwd=folder, env=env, capture_output=True, text=True, timeout=240)


def test_it_is_drawn_costed_built_and_trained(package):
    done = run(package, "-m", "vitspace", "space", "draw", "mine.yaml", "-n", "12", "--json")
    assert done.returncode == 0, done.stderr
    designs = json.loads(done.stdout)
    assert len({design["id"] for design in designs}) == 12
    assert {stage["family"] for design in designs for stage in design["stages"]} == {"plainconv", "mat"}
    (package / "design.json").write_text(json.dumps({k: designs[0][k] for k in ("stem", "stages", "head")}))
    script = """
import sys, torch, vitspace, vitspace.families
spec = vitspace.Spec.from_json(open("design.json").read())
network = vitspace.build(spec, num_classes=3, img_size=64)
network(torch.randn(2, 3, 64, 64)).sum().backward()
assert all(p.grad is not None for p in network.parameters())
whole = sum(p.numel() for p in vitspace.build(spec, img_size=64).parameters())
assert vitspace.cost(spec, 64).params == whole
"""
    done = run(package, "-c", script)
    assert done.returncode == 0, done.stderr


def test_a_changed_source_is_counted_anew(package):
    size = ("-m", "vitspace", "space", "draw", "mine.yaml", "-n", "1", "--json")
    before = json.loads(run(package, *size).stdout)
    (package / "plainconv.py").write_text(MODULE.replace("spec.kernel // 2)", "spec.kernel // 2, bias=False)"))
    after = json.loads(run(package, *size).stdout)
    assert before[0]["id"] == after[0]["id"] and after[0]["params"] < before[0]["params"]
