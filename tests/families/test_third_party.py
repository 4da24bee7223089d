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


DRAW = """
import sys, torch, vitspace
from vitspace.cli import main
sys.argv = ["vitspace", "space", "draw", "mine.yaml", "-n", "12", "--json"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
for spec in vitspace.load_space("mine.yaml").draw(12):
    network = vitspace.build(spec, num_classes=3, img_size=64)
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    whole = sum(p.numel() for p in vitspace.build(spec, img_size=64).parameters())
    assert vitspace.cost(spec, 64).params == whole
    assert vitspace.Spec.from_json(spec.to_json()) == spec
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """An installed package with a family, and a space that mixes it with one of ours."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "plainconv.py").write_text(MODULE)
    info = folder / "plainconv-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plainconv\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vitspace.families]\nplainconv = plainconv\n")
    (folder / "mine.yaml").write_text(SPACE)
    return folder


def draw(folder):
    """Draw 12 designs in a process that finds the package; build, train and cost them there."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DRAW]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def drawn(package):
    return draw(package)


def test_it_is_drawn_costed_built_and_trained(drawn):
    assert len({design["id"] for design in drawn}) == 12
    assert {stage["family"] for design in drawn for stage in design["stages"]} == {"plainconv", "mat"}


def test_a_changed_source_is_counted_anew(package, drawn):
    (package / "plainconv.py").write_text(MODULE.replace("spec.kernel // 2)", "spec.kernel // 2, bias=False)"))
    before, after = ({design["id"]: design["params"] for design in designs} for designs in (drawn, draw(package)))
    both = before.keys() & after.keys()
    assert both and all(after[spec] < before[spec] for spec in both)
