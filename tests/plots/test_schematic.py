import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest

import vitspace
from vitspace.plots.schematic import boxes, draw_svg


@pytest.mark.parametrize("name", ["msg_tiny", "emsnet_tiny", "mat_3", "vt_r34"])
def test_stages_stand_in_a_row(name):
    spec = vitspace.anchor(name).spec
    stages = boxes(spec)
    assert [(box.dim, box.depth) for box in stages] == [(stage.out_dim, stage.depth) for stage in spec.stages]
    assert all(a.x + a.width < b.x for a, b in pairwise(stages))
    assert stages[-1].x + stages[-1].width < 360
    ElementTree.fromstring(draw_svg(spec))


def test_longer_is_deeper_and_taller_is_wider():
    first, _, third, last = boxes(vitspace.anchor("msg_tiny").spec)
    assert third.width > first.width and last.height > first.height


def test_arrows_stand_where_tokens_are_handed_on():
    assert draw_svg(vitspace.anchor("msg_tiny").spec).count("stroke-dasharray") == 3
    assert "stroke-dasharray" not in draw_svg(vitspace.anchor("emsnet_tiny").spec)
