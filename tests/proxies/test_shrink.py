from dataclasses import fields, replace
from typing import ClassVar

import pytest
import torch

from vitspace.anchors import all_anchors, anchor, list_anchors
from vitspace.anchors.references import ablation_pairs
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import FAMILIES
from vitspace.network import build
from vitspace.proxies.recipe import parse_proxy
from vitspace.proxies.shrinking import make_network, narrowed, set_stem_stride, shrunk
from vitspace.spec import part

ONE_OF_EACH = ("msg_tiny", "emsnet_xxtiny", "mat_1", "partialformer_b0", "vt_r18_adv", "transcnn_small")


def _kept(part):
    return {name: value for name, value in part.to_dict().items() if name not in {"dim", "depth", *part.widths}}


def _published():
    rows = [all_anchors()[name] for name in list_anchors() if all_anchors()[name].spec]
    return {row.spec.id: row for row in [*rows, *(row for pair in ablation_pairs() for row in (pair.a, pair.b))]}


@pytest.mark.parametrize(("width", "depth"), [(0.5, 0.5), (0.25, 1.0), (0.3, 1.0), (2.0, 2.0)])
def test_every_published_design_keeps_what_it_is(width, depth):
    for row in _published().values():
        small = narrowed(row.spec, width, depth)
        for before, after in zip(row.spec.stages, small.stages, strict=True):
            if after.depth > 1 or before.depth == 1:  # to a single block some settings mean nothing
                assert _kept(after) == _kept(before), row.id
            assert after.depth == max(1, int(before.depth * depth + 0.5))
            assert after.dim / before.dim == pytest.approx(width, rel=0.51), row.id


def test_factors_of_one_change_nothing():
    for row in _published().values():
        assert narrowed(row.spec, 1.0, 1.0) == row.spec


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_narrower_network_is_cheaper_and_runs(name):
    proxy = parse_proxy("width=0.25,depth=0.5,stem_stride=2,img_size=32")
    spec = anchor(name).spec
    assert cost(narrowed(spec, 0.25, 0.5)).macs < 0.2 * cost(spec).macs
    network = make_network(spec, proxy, 3).eval()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


@pytest.mark.parametrize("family", ["msg", "ems", "mat", "partial", "vt", "transcnn"])
@pytest.mark.parametrize("wanted", [1, 2, 4])
def test_every_stem_strides_as_asked(family, wanted):
    spec = next(row.spec for row in _published().values() if row.spec.family == family)
    stem = build(spec).stem
    before = sum(p.numel() for p in stem.parameters())
    set_stem_stride(stem, 4, wanted)
    assert stem(torch.zeros(1, 3, 32, 32)).shape[2:] == (32 // wanted, 32 // wanted)
    assert sum(p.numel() for p in stem.parameters()) == before


def test_plain_patches_stay_side_by_side():
    spec = next(row.spec for row in _published().values() if getattr(row.spec.stem, "patch", "") == "plain")
    stem = build(spec).stem
    set_stem_stride(stem, 4, 2)
    assert stem.proj.weight.shape[2:] == (2, 2)
    assert stem(torch.zeros(1, 3, 32, 32)).shape[2:] == (16, 16)


def test_windows_follow_the_map():
    spec = anchor("msg_tiny").spec
    assert [s.window for s in shrunk(spec, parse_proxy("img_size=64")).stages] == [2] * 4
    assert [s.window for s in shrunk(spec, parse_proxy("img_size=64,stem_stride=2")).stages] == [4] * 4


def test_a_width_that_no_rule_allows_is_refused():
    spec = anchor("msg_tiny").spec
    with pytest.raises(InputError, match="stem_stride is at most the stem's 4, but got 8"):
        set_stem_stride(build(spec).stem, 4, 8)


@part
class Narrow(FAMILIES["mat"].Stage):
    """A stage of a family that was not there when the proxies were written."""

    widths: ClassVar = {"inner": 8}

    inner: int = 64


def test_a_new_familys_widths_are_narrowed_as_it_says():
    spec = anchor("mat_1").spec
    stages = tuple(Narrow(**{f.name: getattr(stage, f.name) for f in fields(stage)}) for stage in spec.stages)
    assert [stage.inner for stage in narrowed(replace(spec, stages=stages), 0.5, 1.0).stages] == [32] * 4
