import pytest

from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.costs.audit import audit
from vitspace.families import FAMILIES, list_anchors


def smallest(family):
    names = [name for name in list_anchors("anchor") if anchor(name).family == family]
    return min(names, key=lambda name: cost(anchor(name).spec).macs)


@pytest.mark.parametrize("family", FAMILIES)
def test_three_counters_agree_on_one_anchor_of_each_family(family):
    name = smallest(family)
    rows = {row.operator: row for row in audit(anchor(name).spec)}
    counted = rows["counted"]
    assert counted.ours == counted.fvcore == counted.torch == cost(anchor(name).spec).macs
    assert rows["total"].fvcore > rows["total"].torch  # fvcore counts norms too


def test_msg_tiny_with_norms_is_the_printed_number_of_fvcore():
    rows = {row.operator: row for row in audit(anchor("msg_tiny").spec)}
    assert rows["total"].fvcore == 3_838_125_568
    assert rows["layer_norm"].fvcore == 17_262_080 and rows["layer_norm"].torch is None
