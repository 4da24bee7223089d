"""The axes of a space as rows to print."""

from types import SimpleNamespace

from vitspace.space.tables import axis_rows
from vitspace.space.variables import Variable


def test_a_condition_names_its_axis_without_the_stage():
    chosen = Variable("conv3.2", "conv3", "conv3", "stage", 1, ("yes", "no"))
    other = Variable("size.2", "size", "size", "stage", 1, (1, 2), when=(("conv3.2", ("yes",)),))
    assert [row["when"] for row in axis_rows(SimpleNamespace(variables=[chosen, other]))] == ["", "conv3 in yes"]


def test_values_are_shown_as_they_stand_in_each_stage():
    each = [Variable(f"dim.{i + 1}", "dim", "dim", "stage", i, (8, 16), scale=(1, 2, 4, 8)) for i in range(4)]
    [row] = axis_rows(SimpleNamespace(variables=each))
    assert row["values"] == [[8, 16], [16, 32], [32, 64], [64, 128]] and row["stages"] == "each"
