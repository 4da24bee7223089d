import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import vitspace
from vitspace.plots.schematic import DrawnStage, boxes, draw_svg

STAGES = [
    DrawnStage(dim, depth, "msg", i > 0) for i, (dim, depth) in enumerate([(64, 2), (128, 2), (256, 6), (512, 2)])
]


def test_stages_stand_in_a_row():
    row = boxes(STAGES)
    assert [box.stage for box in row] == STAGES
    assert all(a.x + a.width < b.x for a, b in pairwise(row))
    assert row[-1].x + row[-1].width < 360


def test_longer_is_deeper_and_taller_is_wider():
    first, _, third, last = boxes(STAGES)
    assert third.width > first.width and last.height > first.height


def test_a_design_draws_itself_with_arrows_where_tokens_are_handed_on():
    for name, arrows in (("msg_tiny", 3), ("emsnet_tiny", 0), ("vt_r34", 0)):
        drawing = vitspace.anchor(name).spec.drawing
        ElementTree.fromstring(drawing)
        assert drawing.count("stroke-dasharray") == arrows


def test_the_drawing_says_what_it_shows():
    title = "design a1: 2 msg blocks of 64 channels, 2 msg blocks of 128 channels, 6 msg blocks of 256 channels"
    assert title in draw_svg(STAGES, "a1")
