"""Populations cost what single designs cost, design by design."""

import numpy as np
import pytest

from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.files import data_names
from vitspace.space import InvalidDesign, load_space
from vitspace.space import steps as module
from vitspace.space.population import Population


def single(space, params):
    """Validity and costs of one design, by the road of a single spec; None where it is invalid."""
    try:
        costs = cost(space.decode(params), space.resolution)
    except InvalidDesign:
        return None
    return costs.params, costs.macs, costs.activations


def compare(population, rows):
    costs = population.costs(rows)
    for i, row in enumerate(rows):
        got = (costs.params[i], costs.macs[i], costs.activations[i]) if costs.valid[i] else None
        assert got == single(population.space, population.params(row))


@pytest.mark.parametrize("name", data_names("spaces"))
def test_random_designs_of_every_space(name):
    population = Population(load_space(name))
    compare(population, population.random(12, np.random.default_rng(0)))


@pytest.mark.parametrize("name", data_names("spaces"))
def test_anchors_of_every_space(name):
    space = load_space(name)
    population, specs = Population(space), [row.spec for row in space.anchors(ablations=True)]
    costs = population.costs(population.array(specs))
    assert costs.valid.all()
    expected = [cost(spec) for spec in specs]
    assert costs.params.tolist() == [c.params for c in expected]
    assert costs.macs.tolist() == [c.macs for c in expected]
    assert costs.activations.tolist() == [c.activations for c in expected]


def test_random_designs_of_small_spaces(tiny):
    population = Population(tiny[0])
    compare(population, population.random(24, np.random.default_rng(0)))


def test_the_sorted_list_gives_what_the_table_gives(monkeypatch):
    space = load_space("msg")
    rows = Population(space).random(40, np.random.default_rng(1))
    dense = Population(space).costs(rows)
    monkeypatch.setattr(module, "DENSE_LIMIT", 0)
    sparse = Population(space).costs(rows)
    for name in ("valid", "params", "macs", "activations"):
        assert (getattr(dense, name) == getattr(sparse, name)).all()


def test_settings_beyond_what_can_be_numbered_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_PAIRS", 1000)
    population = Population(load_space("mat"))
    with pytest.raises(InputError, match=r"at most 1e[+]03 pairs of settings .*: shorten the lists of axes"):
        population.costs(population.random(4, np.random.default_rng(0)))


def test_no_designs_cost_nothing():
    population = Population(load_space("msg"))
    assert len(population.costs(population.random(0, np.random.default_rng(0)))) == 0


@pytest.mark.parametrize("index", [-1, 1000])
def test_an_index_that_is_no_values_is_refused(index):
    population = Population(load_space("msg"))
    rows = population.random(3, np.random.default_rng(0))
    rows[1, 0] = index
    with pytest.raises(
        InputError, match=f"an index of {population.variables[0].name} is from 0 to .*, but got {index}"
    ):
        population.costs(rows)
    with pytest.raises(InputError, match=r"rows of \d+ indices, but got an array \(3, 2\)"):
        population.costs(rows[:, :2])
