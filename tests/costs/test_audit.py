from functools import cache

import pytest

from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.costs.audit import COUNTERS, OPERATORS, as_run, audit
from vitspace.families import FAMILIES, list_anchors
from vitspace.spec import Spec

#: Multiply-adds of what evaluation runs over the plain graph's, less 1, of each family's smallest anchor.
RUNS = {"msg": 0.0, "ems": 0.0070, "mat": -0.0032, "partial": -0.0547, "vt": 0.0, "transcnn": 0.0}

audited = cache(audit)


def smallest(family):
    names = [name for name in list_anchors("anchor") if anchor(name).family == family]
    return min(names, key=lambda name: cost(anchor(name).spec).macs)


@pytest.mark.parametrize("family", FAMILIES)
def test_three_counters_agree_on_one_anchor_of_each_family(family):
    name = smallest(family)
    found = audited(anchor(name).spec)
    rows = {row.operator: row for row in found.rows}
    assert abs(found.difference - RUNS[family]) < 1e-4
    assert found.to_json()["as_run_difference"] == found.difference
    for operator in (*OPERATORS, "counted"):
        assert rows[operator].ours == rows[operator].fvcore == rows[operator].torch
    assert rows["counted"].ours == rows["total"].ours == cost(anchor(name).spec).macs
    assert rows["total"].fvcore > rows["total"].torch  # fvcore counts norms too
    for counter in COUNTERS:
        counted = {row.operator for row in found.rows if getattr(row, counter)}
        assert found.ignored[counter] and not counted & set(found.ignored[counter])
    assert found.ignored["ours"] == found.ignored["torch"]  # one registry of formulas


def test_msg_tiny_with_norms_is_the_printed_number_of_fvcore():
    found = audited(anchor("msg_tiny").spec)
    rows = {row.operator: row for row in found.rows}
    assert rows["total"].fvcore == 3_838_125_568
    assert rows["layer_norm"].fvcore == 17_262_080 and rows["layer_norm"].torch is None
    assert found.ignored["ours"]["gelu"] == found.ignored["fvcore"]["gelu"] == 22  # one a block
    assert "native_layer_norm" in found.ignored["torch"]


def test_what_runs_is_counted_without_what_is_made_of_weights_beforehand():
    spec = anchor("emsnet_xxtiny").spec
    shallow = Spec(spec.stem, tuple(stage.changed(depth=1) for stage in spec.stages), spec.head)
    assert sum(as_run(shallow, 64).values()) / cost(shallow, 64).macs == pytest.approx(1, abs=0.05)


def test_partialformer_leaves_out_the_queries_of_the_background():
    spec = anchor("partialformer_b0").spec
    queries, side = 0, 224 // spec.stem.stride
    for stage in spec.stages:
        side //= stage.stride
        foreground = max(1, int(stage.foreground_ratio * side**2))
        queries += stage.depth * (side**2 - foreground) * stage.dim**2
    assert cost(spec).macs - sum(as_run(spec).values()) == queries
