"""`Space.mutate` and `Space.crossover`: new designs within a budget, from designs."""

import numpy as np
import pytest

from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.space import load_space

ONE_AXIS = "family: msg\nresolution: 64\naxes: {dim: {values: [32, 64], scale: [1, 2, 4, 8]}, depth: [1]}\n"


@pytest.fixture
def parents(listed):
    space, designs = listed
    return space, designs, sorted(designs, key=lambda spec: spec.id)[:40]


@pytest.fixture
def one_axis(tmp_path):
    (tmp_path / "one.yaml").write_text(ONE_AXIS)
    space = load_space(str(tmp_path / "one.yaml"))
    return space, *sorted(space.draw(2), key=lambda spec: cost(spec, 64).macs)


def middle(space, designs):
    """A third of the designs by FLOPs and half of them by params, as a budget."""
    macs, params = ([getattr(cost(spec, space.resolution), name) for spec in designs] for name in ("macs", "params"))
    return Budget(tuple(np.quantile(macs, [1 / 3, 2 / 3])), (0, float(np.median(params))))


def test_mutants_are_new_designs_of_the_space(parents):
    space, designs, specs = parents
    mutants = space.mutate(specs, seed=1)
    assert len(mutants) == len(set(mutants)) == len(specs)
    assert set(mutants) <= designs - set(specs)
    assert mutants == space.mutate(specs, seed=1) != space.mutate(specs, seed=2)


def test_children_of_two_are_new_designs_of_the_space(parents):
    space, designs, specs = parents
    children = space.crossover(specs[:20], specs[20:], seed=1)
    assert children and len(children) == len(set(children)) and set(children) <= designs - set(specs)
    assert children == space.crossover(specs[:20], specs[20:], seed=1)


def test_what_a_child_has_of_both_parents_is_one_of_theirs(parents):
    space, _, specs = parents
    for one, other in zip(specs[:20], specs[20:], strict=True):
        for child in space.crossover([one], [other]):
            ones, others, params = map(space.encode, (one, other, child))
            both = ones.keys() & others.keys() & params.keys()
            assert all(params[name] in (ones[name], others[name]) for name in both)


def test_children_keep_within_flops_and_params_wherever_their_parents_are(parents):
    space, designs, specs = parents
    budget = middle(space, designs)
    children = [*space.mutate(specs, budget), *space.crossover(specs[:20], specs[20:], budget)]
    assert len(children) > 10 and all(not space.over_budget(spec, budget) for spec in children)
    macs, params = (f"..{limit:.0f}" for limit in (budget.macs[1], budget.params[1]))
    assert all(not space.over_budget(s, Budget.parse(macs, params)) for s in space.mutate(specs, macs, params=params))


def test_what_is_excluded_is_no_child(one_axis):
    space, small, large = one_axis
    assert space.mutate([small]) == [large]
    assert space.mutate([small], exclude=[large]) == []


def test_parents_without_a_child_that_fits_are_left_out_with_a_warning(one_axis, caplog):
    space, small, large = one_axis
    assert space.mutate([small, large, small], f"..{cost(small, 64).macs}") == []
    assert "space one: 3 of 3 have no new child within FLOPs" in caplog.text and "in 64 tries" in caplog.text
    assert space.crossover([small], [small]) == []


def test_no_parents_have_no_children(one_axis, caplog):
    space, *_ = one_axis
    assert space.mutate([]) == space.crossover([], []) == [] and not caplog.text


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda space, spec: space.crossover([spec], []), "crossover takes pairs, but got 1 and 0 specs"),
        (
            lambda space, spec: space.mutate([spec], Budget.parse(latency="60ms")),
            "`draw` within a latency too, but got",
        ),
        (lambda space, spec: space.mutate([spec], Budget(), params="1M"), "a Budget holds all limits"),
        (lambda space, spec: space.mutate([spec], "4 apples"), "a quantity is"),
        (lambda space, spec: space.mutate([anchor("mat_2").spec]), "space one holds msg, but got mat"),
    ],
)
def test_bad_input_is_refused(one_axis, ask, message):
    space, small, _ = one_axis
    with pytest.raises(InputError, match=message):
        ask(space, small)
