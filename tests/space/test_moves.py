import numpy as np
import pytest

from vitspace.space import load_space
from vitspace.space.moves import CHANGES, crossover, mutate
from vitspace.space.population import Population


@pytest.fixture
def parents(listed):
    space, designs = listed
    population = Population(space)
    return population, population.array(sorted(designs, key=lambda spec: spec.id)[:40])


def valid(population, rows):
    return [population.space.decode(population.params(row)) for row in rows[population.costs(rows).valid]]


def test_a_mutant_differs_in_a_few_active_variables_and_in_what_depends_on_them(parents):
    population, rows = parents
    many = np.repeat(rows, 20, axis=0)
    mutants = mutate(population, many, np.random.default_rng(0))
    both = (population.codes(many) > 0) & (population.codes(mutants) > 0)
    changed = ((mutants != many) & both).sum(axis=1)
    assert (mutants != many).any(axis=1).all()
    assert changed.max() == CHANGES and np.median(changed) in (1, 1.5, 2)


def test_valid_mutants_are_designs_of_the_space(parents, listed):
    population, rows = parents
    found = valid(population, mutate(population, rows, np.random.default_rng(0)))
    assert found and set(found) <= listed[1]


def test_a_child_has_each_value_of_a_parent(parents):
    population, rows = parents
    ones, others = rows[:20], rows[20:]
    children = crossover(population, ones, others, np.random.default_rng(0))
    codes = population.codes(children)
    inherited = (codes == population.codes(ones)) | (codes == population.codes(others))
    # An axis is drawn by nobody where the child alone has it: its condition's parts come from both parents.
    orphaned = (population.codes(ones) == 0) & (population.codes(others) == 0)
    assert (inherited | (codes == 0) | orphaned).all() and (children != ones).any() and (children != others).any()


def test_what_is_inactive_does_not_tell_rows_apart(parents):
    population, rows = parents
    noise = np.where(population.codes(rows) > 0, rows, population.random(len(rows), np.random.default_rng(0)))
    assert (population.canonical(noise) == population.canonical(rows)).all()


def test_where_one_axis_is_free_a_mutant_changes_it(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text("family: msg\nresolution: 64\naxes: {dim: {values: [32, 64], scale: [1, 2, 4, 8]}, depth: [1]}\n")
    population = Population(load_space(str(path)))
    one, other = population.array(population.space.draw(2))
    assert (mutate(population, one[None], np.random.default_rng(0)) == other).all()


def test_where_nothing_is_free_a_mutant_is_its_parent(tmp_path):
    path = tmp_path / "none.yaml"
    path.write_text("family: msg\nresolution: 64\naxes: {dim: {values: [32], scale: [1, 2, 4, 8]}, depth: [1]}\n")
    population = Population(load_space(str(path)))
    row = population.array(population.space.draw(1))
    assert (mutate(population, row, np.random.default_rng(0)) == row).all()
