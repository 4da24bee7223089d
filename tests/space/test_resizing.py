"""Spaces at other sizes of image than their files are written for."""

import numpy as np
import pytest

from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.space import load_space

SPACE = """
family: msg
axes:
  stem.patch: [overlapped, plain]
  downsample: [overlapped, concat]
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: {each: [1]}
  head_dim: [16]
  window: [4, 7]
  region_size: {each: [1, 2], when: {window: [4, 7]}}
  mlp_ratio: [2]
rules:
  - ceil(side / window) % region_size == 0
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(SPACE)
    return str(file)


@pytest.mark.parametrize("size", [256, (192, 256), (225, 193)])
def test_the_same_designs_are_counted_at_the_size(path, size):
    space, own = load_space(path, size), load_space(path)
    assert space.size() == own.size()
    drawn = space.draw(6, seed=1)
    assert all(spec in space for spec in drawn)
    found = space.population.costs(space.population.array(drawn))
    assert found.macs.tolist() == [cost(spec, size).macs for spec in drawn]
    assert space.size(f"{max(found.macs)}") >= len(drawn)
    assert np.all(found.valid)


def test_windows_and_conditions_follow_and_rules_hold_as_written(path):
    space = load_space(path, 256)
    assert next(v.values for v in space.variables if v.name == "window") == (5, 8)
    # 13 windows of 5 are not divided by 2, but 14 of 4 at 224 pixels are.
    spec = next(s for s in space.draw(40, seed=0) if s.stages[0].window == 5 and s.stages[0].region_size == 2)
    assert spec.written_at(256).stages[0].window == 4
    assert spec.written_at(256) in load_space(path)


def test_anchors_follow_the_size():
    space = load_space("msg", 256)
    msg_tiny = anchor("msg_tiny")
    assert msg_tiny.at(256) in space
    assert msg_tiny.spec not in load_space("msg", 192)
    assert "msg_tiny" in {row.id for row in space.anchors()}


def test_values_that_become_equal_are_one(path):
    space = load_space(path, 64)
    assert next((v.values for v in space.variables if v.name == "window"), None) == (2,)


@pytest.mark.parametrize(("size", "rule"), [(4096, "at 4096 px window is at most 64"), (16, "32 to 4096 pixels")])
def test_what_cannot_be_is_refused(path, size, rule):
    with pytest.raises(InputError, match=rule):
        load_space(path, size)


def test_a_file_may_be_written_for_a_rectangle(tmp_path):
    file = tmp_path / "wide.yaml"
    file.write_text(SPACE + "resolution: 192x256\n")
    assert load_space(str(file)).resolution == (192, 256)
