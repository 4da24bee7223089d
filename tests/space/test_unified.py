"""All families in one space, and families mixed stage by stage."""

from functools import cache

import pytest
import torch
from randoms import random_designs

from vitspace.anchors import all_anchors
from vitspace.costs import cost
from vitspace.costs.counter import count_params
from vitspace.families import FAMILIES, anchor
from vitspace.network import build
from vitspace.space import load_space
from vitspace.spec import Spec

UNIFIED, HYBRID = load_space("unified"), load_space("hybrid")
ROWS = [row.id for row in all_anchors().values() if row.spec is not None]
#: Ablations of EMSNet that its paper does not determine: no design has their numbers, or how it is joined is not said.
WITHOUT_SPEC = ["emsnet_xxtiny_lat_no_fusion", "emsnet_xxtiny_lat_no_channel_split"]
#: Anchors that are points of the hybrid space: all four stages of one family.
PURE = ["msg_tiny", "emsnet_xxtiny", "mat_2", "partialformer_b1", "vt_r18", "vt_r34", "transcnn_base"]


def test_ninety_one_of_the_ninety_three_published_rows_have_a_spec():
    ours = [row for row in all_anchors().values() if row.role in ("anchor", "ablation")]
    assert len(ours) == 93 and len(ROWS) == 91
    without = [row for row in ours if row.spec is None]
    assert [row.id for row in without] == WITHOUT_SPEC and all(row.unreproduced for row in without)


@pytest.mark.parametrize("name", ROWS)
def test_every_published_design_is_a_point_of_the_unified_space(name):
    spec = anchor(name).spec
    assert UNIFIED.decode(UNIFIED.encode(spec)) == spec


@pytest.mark.parametrize("family", FAMILIES)
def test_unified_holds_each_familys_own_axes_and_rules(family):
    own, section = load_space(family).config, UNIFIED.config.families[family]
    assert (section.axes, section.rules) == (own.axes, own.rules)


def test_a_pure_hybrid_is_the_familys_own_network():
    assert [row.id for row in HYBRID.anchors()] == PURE
    for name in PURE:
        spec = HYBRID.decode(HYBRID.encode(anchor(name).spec))
        assert spec == anchor(name).spec and spec.id == anchor(name).spec.id


def test_hybrids_encode_and_survive_json():
    for spec in random_designs(HYBRID, 60, seed=1):
        assert HYBRID.decode(HYBRID.encode(spec)) == spec == Spec.from_json(spec.to_json())


@pytest.mark.parametrize("number", [*range(12), *(pytest.param(n, marks=pytest.mark.slow) for n in range(12, 200))])
def test_a_hybrid_trains_and_costs_what_its_parts_cost(number):
    spec = (
        hybrids()[number] if number >= 12 else random_designs(HYBRID, 12, seed=7, first={"dim": 2, "depth": 2})[number]
    )
    network = build(spec, num_classes=4, img_size=64).train()
    scores = network(torch.randn(2, 3, 64, 64))
    scores.square().mean().backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert scores.shape == (2, 4) and torch.isfinite(scores).all() and not without
    assert count_params(build(spec)) == cost(spec).params


@cache
def hybrids():
    return HYBRID.draw(200, "..2G", seed=7)


def test_tokens_are_handed_on_within_a_family_and_dropped_between():
    spec = anchor("msg_tiny").spec
    vt = HYBRID.encode(spec) | {"family.2": "mat", "mat.mixer.2": "none", "mat.downsample.2": "overlapped"}
    mixed = HYBRID.decode({k: v for k, v in vt.items() if k not in ("msg.downsample.2", "msg.region_size.2")})
    assert [carry.kind if carry else None for carry in mixed.carries] == [None, "msg", None, "msg", "msg"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "budget"), [(UNIFIED, "2G..4G"), (HYBRID, "0.98G..1.02G")], ids=["unified", "hybrid"]
)
def test_twenty_thousand_designs_within_a_budget(space, budget):
    specs = space.draw(20_000, budget, seed=0)
    low, high = (float(bound.strip("G")) * 1e9 for bound in budget.split(".."))
    assert len(set(specs)) == 20_000
    assert all(low <= cost(spec).macs <= high for spec in specs)
