"""Spaces for a dense task: the same designs, at the cost of the whole network."""

import numpy as np
import pytest

from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.space import load_sizes, load_space
from vitspace.space.stored import key_of

SIZE = (64, 96)


@pytest.fixture(params=["semantic-fpn", "retinanet"])
def for_task(request, listed):
    """A small space for a task, and the set of all designs of it."""
    space, designs = listed
    return load_space(str(space.path), SIZE, request.param), designs


def test_designs_are_the_same_and_cost_what_the_whole_network_does(for_task):
    space, designs = for_task
    assert space.size() == len(designs)
    drawn = space.draw(12, seed=1)
    found = space.population.costs(space.population.array(drawn))
    whole = [space.task.cost(spec) for spec in drawn]
    assert set(drawn) <= designs and found.valid.all()
    assert found.macs.tolist() == [each.macs for each in whole] == [space.cost(spec).macs for spec in drawn]
    assert found.params.tolist() == [each.params for each in whole]
    assert found.activations.tolist() == [each.activations for each in whole]


def test_designs_within_a_budget_are_those_whose_whole_network_is(for_task):
    space, designs = for_task
    macs = sorted(space.task.cost(spec).macs for spec in designs)
    middle = macs[len(macs) // 2]
    assert space.size(f"{middle}") == sum(each <= middle for each in macs)
    assert space.cost(space.smallest).macs == macs[0]
    drawn = space.draw(5, f"{middle}", seed=0)
    assert max(space.cost(spec).macs for spec in drawn) <= middle


def test_estimates_read_what_classification_costs(for_task):
    space, _ = for_task
    drawn = space.draw(5, seed=2)
    valid, counted = space.population.counted(space.population.array(drawn))
    assert valid.all()
    assert [tuple(row) for row in counted.tolist()] == [cost(spec, space.resolution).numbers for spec in drawn]


def test_a_budget_below_all_heads_is_refused(for_task):
    space, _ = for_task
    with pytest.raises(InputError, match=r"the smallest costs .*M FLOPs, and the budget is at most 1M"):
        space.check_budget(Budget.parse("1M"))


def test_it_is_at_the_tasks_own_size_where_none_is_given(listed):
    space = load_space(str(listed[0].path), task="simple-baseline")
    assert (space.counted_size, space.resolution) == ((256, 192), listed[0].resolution)
    assert space.where == "for simple-baseline at 256x192 px, 17 classes"


def test_its_lattice_is_kept_apart(listed):
    path = str(listed[0].path)
    keys = [key_of(load_space(path, size, task)) for size in (64, 96) for task in ("semantic-fpn", "upernet")]
    assert len({key_of(listed[0]), *keys}) == 5


def test_latency_is_not_predicted_for_it(listed):
    with pytest.raises(InputError, match="latency is predicted for classification"):
        load_space(str(listed[0].path), SIZE, "semantic-fpn").draw(1, latency="60ms")


def test_several_sizes_are_for_classification(listed):
    with pytest.raises(InputError, match="with upernet a space is for one size of image, but got 2"):
        load_sizes(str(listed[0].path), [64, 96], "upernet")
    assert load_sizes(str(listed[0].path), [64], "upernet").counted_size == 64


def test_random_rows_are_valid_where_they_are_in_classification(for_task):
    space, _ = for_task
    plain = load_space(str(space.path))
    rows = plain.population.random(60, np.random.default_rng(0))
    assert np.array_equal(space.population.costs(rows).valid, plain.population.costs(rows).valid)
