import numpy as np

from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.space import load_space
from vitspace.space.moves import crossover, mutate


def limits(space, designs):
    middle = space.draw(1, seed=2)[0]
    macs = cost(middle, space.resolution).macs
    return Budget(macs=(0.5 * macs, 2.0 * macs))


def test_a_mutant_is_another_design_of_the_space_within_the_budget(listed):
    space, designs = listed
    budget, rng = limits(space, designs), np.random.default_rng(0)
    for spec in space.draw(20, budget, seed=4):
        mutant = mutate(space, spec, budget, rng)
        assert mutant is not None and mutant != spec
        assert mutant in designs and not space.over_budget(mutant, budget)


def test_a_child_is_a_design_of_the_space_within_the_budget(listed):
    space, designs = listed
    budget, rng = limits(space, designs), np.random.default_rng(0)
    parents = space.draw(20, budget, seed=4)
    pairs = list(zip(parents[::2], parents[1::2], strict=True))
    children = [crossover(space, *pair, budget, rng) for pair in pairs]
    found = [(child, pair) for child, pair in zip(children, pairs, strict=True) if child is not None]
    assert found and all(child in designs and child not in pair for child, pair in found)
    assert not any(space.over_budget(child, budget) for child, _ in found)


def test_where_one_axis_is_free_a_mutant_changes_it(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text("family: msg\nresolution: 64\naxes: {dim: {values: [32, 64], scale: [1, 2, 4, 8]}, depth: [1]}\n")
    space = load_space(str(path))
    one, other = space.draw(2)
    assert mutate(space, one, Budget(), np.random.default_rng(0)) == other


def test_where_nothing_fits_there_is_no_mutant(listed):
    space, _ = listed
    [spec] = space.draw(1)
    assert mutate(space, spec, Budget(macs=(1, 2)), np.random.default_rng(0)) is None
