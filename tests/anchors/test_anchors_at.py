"""Published designs at sizes at which some of them cannot be."""

import pytest

from vitspace.anchors import all_anchors, anchor, specs_at
from vitspace.errors import InputError
from vitspace.latency.acquainting import probes
from vitspace.searching.first import chosen_anchors
from vitspace.space import load_space
from vitspace.study.config import StudyConfig

LARGE = 2304  # where windows of 7 would be of 72, and 64 is the most


def test_what_cannot_be_at_a_size_is_left_out():
    rows = all_anchors().values()
    assert specs_at(rows, 224).keys() == {row.id for row in rows if row.spec}
    at = specs_at(rows, LARGE)
    assert "msg_tiny" not in at and at["vt_r18"] == anchor("vt_r18").at(LARGE)
    with pytest.raises(InputError, match="32 to 4096"):
        specs_at(rows, 8)


@pytest.mark.parametrize("name", ["vt", "partial"])
def test_a_space_has_its_anchors_at_a_size_at_which_other_families_have_none(name):
    found = load_space(name, LARGE).anchors()
    assert found and {row.family for row in found} == {name}
    assert [row.id for row in found] == [row.id for row in load_space(name).anchors()]


def test_a_study_chooses_among_anchors_that_can_be_at_its_size():
    space = load_space("vt", LARGE)
    assert chosen_anchors(space, StudyConfig(space="vt", anchors="vt_r18", img_size=LARGE)).keys() == {"vt_r18"}


@pytest.mark.parametrize("size", [LARGE, 4096])
def test_a_host_is_timed_by_those_that_can_be_at_the_size(size):
    families = {spec.family for spec in probes(size)}
    assert "vt" in families and "msg" not in families
