import numpy as np

from vitspace.budget import Budget
from vitspace.space.moves import crossover, mutate


def limits(space, designs):
    middle = space.draw(1, seed=2)[0]
    from vitspace.costs import cost

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
    children = [crossover(space, *pair, budget, rng) for pair in zip(parents[::2], parents[1::2], strict=True)]
    found = [child for child in children if child is not None]
    assert found and set(found) <= designs - set(parents[:0])
    assert not any(space.over_budget(child, budget) for child in found)


def test_where_nothing_near_fits_there_is_no_mutant(listed):
    space, _ = listed
    least = space.lattice.extreme("macs")
    alone = Budget(macs=(least, least))
    mutant = mutate(space, space.smallest, alone, np.random.default_rng(0))
    assert mutant is None or not space.over_budget(mutant, alone)
