import pytest

from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.costs.audit import COUNTERS, OPERATORS, audit
from vitspace.families import FAMILIES, list_anchors


def smallest(family):
    names = [name for name in list_anchors("anchor") if anchor(name).family == family]
    return min(names, key=lambda name: cost(anchor(name).spec).macs)


@pytest.mark.parametrize("family", FAMILIES)
def test_three_counters_agree_on_one_anchor_of_each_family(family):
    name = smallest(family)
    found = audit(anchor(name).spec)
    rows = {row.operator: row for row in found.rows}
    for operator in (*OPERATORS, "counted"):
        assert rows[operator].ours == rows[operator].fvcore == rows[operator].torch
    assert rows["counted"].ours == rows["total"].ours == cost(anchor(name).spec).macs
    assert rows["total"].fvcore > rows["total"].torch  # fvcore counts norms too
    for counter in COUNTERS:
        counted = {row.operator for row in found.rows if getattr(row, counter)}
        assert found.ignored[counter] and not counted & set(found.ignored[counter])
    assert found.ignored["ours"] == found.ignored["torch"]  # one registry of formulas


def test_msg_tiny_with_norms_is_the_printed_number_of_fvcore():
    found = audit(anchor("msg_tiny").spec)
    rows = {row.operator: row for row in found.rows}
    assert rows["total"].fvcore == 3_838_125_568
    assert rows["layer_norm"].fvcore == 17_262_080 and rows["layer_norm"].torch is None
    assert found.ignored["ours"]["gelu"] == found.ignored["fvcore"]["gelu"] == 22  # one a block
    assert "native_layer_norm" in found.ignored["torch"]
