"""Spaces at several sizes of image."""

import random
from collections import Counter

import numpy as np
import pytest

from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.sized import SizedSpec
from vitspace.space import InvalidDesign, load_sizes, load_space
from vitspace.space.moves import descend
from vitspace.space.sizes import SizedSpace

SPACE = """
family: msg
axes:
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
  head_dim: [16]
  window: [6, 7]
  mlp_ratio: [1, 2]
"""
SIZES = (64, (64, 96), 224)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("spaces") / "tiny.yaml"
    path.write_text(SPACE)
    return str(path)


@pytest.fixture(scope="module")
def space(file):
    return load_sizes(file, SIZES)


def test_one_size_is_the_space_at_it(file):
    assert load_sizes(file, [64]).resolution == 64
    assert not isinstance(load_sizes(file, [64]), SizedSpace) and not isinstance(load_sizes(file), SizedSpace)


def test_its_designs_are_those_of_all_sizes(file, space):
    alone = {size: load_space(file, size) for size in SIZES}
    assert alone[64].size() < alone[224].size()  # windows of 6 and of 7 are both 2 there
    assert space.size() == sum(each.size() for each in alone.values())
    assert space.size("100M") == sum(each.size("100M") for each in alone.values()) < space.size()
    drawn = space.draw(space.size(), seed=1)
    assert len(set(drawn)) == space.size()
    assert all(spec.plain in alone[spec.img_size] for spec in drawn)


def test_draws_are_uniform_over_the_designs_of_all_sizes(space):
    drawn = Counter(spec.img_size for seed in range(20) for spec in space.draw(20, "100M", seed))
    fits = {size: each.size("100M") for size, each in space.at.items()}
    for size, count in fits.items():
        assert drawn[size] / 400 == pytest.approx(count / sum(fits.values()), abs=0.08)


def test_the_same_seed_draws_the_same(space):
    assert space.draw(5, seed=3) == space.draw(5, seed=3) != space.draw(5, seed=4)


def test_draws_leave_out_what_is_known_and_end_with_the_last_design(space):
    known = space.draw(space.size() - 3)
    assert len(space.draw(10, exclude=known, fewer=True)) == 3
    assert not set(space.draw(10, exclude=known, fewer=True)) & set(known)


def test_a_size_in_which_nothing_fits_takes_no_part(space):
    most = space.at[224].smallest
    limit = f"{cost(most, 224).macs - 1}"
    assert {spec.img_size for spec in space.draw(30, limit)} == {64, (64, 96)}
    params = max(cost(spec.plain, spec.img_size).params for spec in space.draw(space.size()))
    assert space.draw(3, params=f"{params}..{params}", fewer=True)


def test_a_budget_beside_all_sizes_says_what_each_has(space):
    with pytest.raises(InputError, match=r"at 64 px: no design .*; at 64x96 px: no design .*; at 224 px: no design"):
        space.draw(1, "1K")


def test_params_are_read_back(space):
    for spec in space.draw(40, seed=2):
        assert space.decode(space.encode(spec)) == spec and spec in space
        assert spec.plain not in space
        assert spec.id == f"{spec.plain.id}@{'64x96' if spec.img_size == (64, 96) else spec.img_size}"


@pytest.mark.parametrize(
    ("params", "rule"),
    [
        ({}, "img_size is missing"),
        ({"img_size": 65}, r"img_size is one of \[64, '64x96', 224\], but got 65"),
        ({"img_size": 64, "colour": 1}, "active axes only, but got colour"),
        ({"img_size": 64, "dim": 17}, r"dim is one of \[16, 32\], but got 17"),
    ],
)
def test_wrong_params_are_refused(space, params, rule):
    with pytest.raises(InputError, match=rule):
        space.decode(params)


def test_rows_are_costed_as_their_designs(space):
    population, specs = space.population, space.draw(60, seed=5)
    rows = population.array(specs)
    costs = population.costs(rows)
    assert costs.valid.all()
    assert costs.macs.tolist() == [cost(spec.plain, spec.img_size).macs for spec in specs]
    assert [space.decode(population.params(row)) for row in rows] == specs
    assert np.array_equal(population.canonical(rows), rows)
    assert set(population.families(rows)) == {"msg"}
    for size, at in population.by_size(rows):
        assert {specs[i].img_size for i in at} == {size}


def test_children_are_of_all_sizes_and_their_rows_stand_for_one_design_each(space):
    population = space.population
    rows = descend(population, population.array(space.draw(5)), 300, np.random.default_rng(0))
    rows = np.unique(rows[population.costs(rows).valid], axis=0)
    assert {size for size, _ in population.by_size(rows)} == set(SIZES)
    specs = [space.decode(population.params(row)) for row in rows]
    assert len(set(specs)) == len(specs) and all(isinstance(spec, SizedSpec) for spec in specs)


def test_the_smallest_design_is_of_the_smallest_size_and_the_largest_of_the_largest(space):
    assert space.smallest.img_size == 64
    least, most = space.ends()
    assert (least, most.img_size) == (space.smallest, 224)


def test_published_designs_stand_at_their_own_size():
    space = load_sizes("mat", [192, 256])
    [row] = [row for row in space.anchors() if row.id == "mat_1"]
    [spec] = space.published([row]).values()
    assert spec == SizedSpec.of(row.spec, 224) and spec not in space


def test_conditions_on_what_follows_the_image_are_refused(file, tmp_path):
    path = tmp_path / "conditions.yaml"
    path.write_text(SPACE.replace("mlp_ratio: [1, 2]", "mlp_ratio: {values: [1, 2], when: {window: [7]}}"))
    load_space(str(path), 64)
    with pytest.raises(InputError, match=r"a condition on one that follows the image, but .* on window"):
        load_sizes(str(path), [64, 224])


@pytest.mark.parametrize("name", ["msg", "ems", "mat", "partial", "vt", "transcnn", "unified", "hybrid"])
def test_every_shipped_space_may_have_several_sizes(name):
    space, rng = load_sizes(name, [64, (96, 128)]), random.Random(0)
    found = set()
    for _ in range(200):
        params = space.choose(lambda v: rng.choice(v.values))
        try:
            found.add(spec := space.decode(params))
        except InvalidDesign:
            continue
        assert space.decode(space.encode(spec)) == spec
    assert {spec.img_size for spec in found} == {64, (96, 128)}
