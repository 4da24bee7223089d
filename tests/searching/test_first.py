from vitspace.costs import cost
from vitspace.searching.first import first_designs
from vitspace.study.config import STARTUP, StudyConfig


def test_anchors_come_first_and_then_draws_from_the_cheapest_on(space):
    designs = first_designs(space, StudyConfig(space="msg", budget="4G", trials=16))
    assert [anchor for anchor, _ in designs] == ["msg_tiny"] + [None] * STARTUP
    macs = [cost(spec).macs for _, spec in designs[1:]]
    assert macs == sorted(macs) and len({spec for _, spec in designs}) == len(designs)
