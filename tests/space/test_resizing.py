"""Spaces at other sizes of image than their files are written for."""

import re

import numpy as np
import pytest

from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.space import InvalidDesign, load_space
from vitspace.space.stored import key_of

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
    assert space.as_written(spec).stages[0].window == 4
    assert space.as_written(spec) in load_space(path)


def test_anchors_follow_the_size():
    space = load_space("msg", 256)
    msg_tiny = anchor("msg_tiny")
    assert msg_tiny.at(256) in space
    assert msg_tiny.spec not in load_space("msg", 192)
    assert "msg_tiny" in {row.id for row in space.anchors()}


@pytest.mark.parametrize("windows", ["[4, 7]", "[7, 4]"])
def test_values_that_become_equal_are_one_whatever_their_order(tmp_path, windows):
    file = tmp_path / "tiny.yaml"
    file.write_text(SPACE.replace("window: [4, 7]", f"window: {windows}"))
    space = load_space(str(file), 64)
    assert next((v.values for v in space.variables if v.name == "window"), None) == (2,)
    drawn = space.draw(64)
    # 2 divides the 14, 7, 4 and 2 windows of 4 at 224 pixels but in the second stage; of 7 there are 8, 4, 2 and 1.
    assert [{spec.stages[i].region_size for spec in drawn} for i in range(4)] == [{1, 2}, {1}, {1, 2}, {1, 2}]
    assert {space.as_written(spec).stages[0].window for spec in drawn} == {4}


def test_a_value_was_what_its_own_stage_has(tmp_path):
    file = tmp_path / "tiny.yaml"
    text = SPACE.replace("region_size: {each: [1, 2], when: {window: [4, 7]}}", "region_size: {each: [1, 2]}")
    file.write_text(text.replace("window: [4, 7]", "window: {stages: [[4], [7], [7], [7]]}"))
    space, own = load_space(str(file), 64), load_space(str(file))
    for spec in space.draw(10, fewer=True):
        assert [stage.window for stage in spec.stages] == [2] * 4
        assert [stage.window for stage in space.as_written(spec).stages] == [4, 7, 7, 7]
        assert space.as_written(spec) in own


def test_a_default_follows_where_it_means_something(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(re.sub(r"  (window|region_size): .*\n", "", SPACE))
    space, own = load_space(str(file), 256), load_space(str(file))
    for spec in space.draw(10):
        assert [stage.window for stage in spec.stages] == [8] * 4
        assert spec == space.as_written(spec).at(256) and space.as_written(spec) in own


@pytest.mark.parametrize("name", ["ems", "hybrid", "mat", "transcnn"])
@pytest.mark.parametrize("size", [96, (160, 256), 384])
def test_a_design_is_that_of_the_file_at_the_size(name, size):
    space, own = load_space(name, size), load_space(name)
    found = 0
    for row in space.population.random(100, np.random.default_rng(1)):
        try:
            spec = space.decode(space.population.params(row))
        except InvalidDesign:
            continue
        assert space.as_written(spec).at(size) == spec and space.as_written(spec) in own
        found += 1
    assert found > 3


def test_what_values_were_is_part_of_what_is_stored(tmp_path):
    keys = set()
    for windows in ("[4, 7]", "[5, 7]", "[7]"):
        file = tmp_path / "tiny.yaml"
        file.write_text(SPACE.replace("[4, 7]", windows))
        space = load_space(str(file), 64)
        assert next(v.values for v in space.variables if v.name == "window") == (2,)
        keys.add(key_of(space))
    assert len(keys) == 3


def test_a_spec_outside_the_space_is_brought_to_224_pixels(path):
    msg_tiny = anchor("msg_tiny")
    assert load_space(path, 256).as_written(msg_tiny.at(256)) == msg_tiny.spec


def test_a_file_for_another_size_is_brought_to_224_pixels(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(SPACE + "resolution: 256\n")
    for size in (None, 128):
        space = load_space(str(file), size)
        spec = space.draw(1, seed=3)[0]
        assert space.as_written(spec).stages[0].window in (3, 6)  # of 4 and 7


@pytest.mark.parametrize(("size", "rule"), [(4096, "at 4096 px window is at most 64"), (16, "32 to 4096 pixels")])
def test_what_cannot_be_is_refused(path, size, rule):
    with pytest.raises(InputError, match=rule):
        load_space(path, size)


def test_a_file_may_be_written_for_a_rectangle(tmp_path):
    file = tmp_path / "wide.yaml"
    file.write_text(SPACE + "resolution: 192x256\n")
    assert load_space(str(file)).resolution == (192, 256)
