"""A space's axes and rules, and its designs, as rows to print."""

from types import SimpleNamespace

import vitspace
from vitspace.space.tables import axis_rows, design_rows, rule_lines
from vitspace.space.variables import Variable


def test_a_condition_names_its_axis_without_the_stage():
    chosen = Variable("conv3.2", "conv3", "conv3", "stage", 1, ("yes", "no"))
    other = Variable("size.2", "size", "size", "stage", 1, (1, 2), when=(("conv3.2", ("yes",)),))
    assert [row["when"] for row in axis_rows(SimpleNamespace(variables=[chosen, other]))] == ["", "conv3 in yes"]


def test_values_are_shown_as_they_stand_in_each_stage():
    each = [Variable(f"dim.{i + 1}", "dim", "dim", "stage", i, (8, 16), scale=(1, 2, 4, 8)) for i in range(4)]
    [row] = axis_rows(SimpleNamespace(variables=each))
    assert row["values"] == [[8, 16], [16, 32], [32, 64], [64, 128]] and row["stages"] == "each"


def test_a_rule_names_its_families_where_they_are_not_all():
    rules = {"msg": ["a < 1", "b < 1"], "mat": ["b < 1"]}
    space = SimpleNamespace(families=("msg", "mat"), axes=SimpleNamespace(rules=rules))
    assert rule_lines(space) == ["rule of msg: a < 1", "rule: b < 1"]


def test_a_design_is_a_row_of_its_costs_and_fields():
    spec, space = vitspace.anchor("mat_1").spec, SimpleNamespace(cost=vitspace.cost)
    [row] = design_rows([spec], space)
    assert row["macs"] == vitspace.cost(spec).macs and "predicted_ms" not in row
    assert vitspace.Spec.from_dict({key: row[key] for key in ("stem", "stages", "head")}) == spec
    assert design_rows([spec], space, [SimpleNamespace(ms=7.0)])[0]["predicted_ms"] == 7.0
