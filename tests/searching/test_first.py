import pytest
import yaml

from vitspace.accuracy.mixing import mixes
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.searching.first import chosen_anchors, finalists_of, first_designs
from vitspace.space import load_space
from vitspace.study.config import STARTUP, StudyConfig


def config(**settings):
    return StudyConfig(**({"space": "mat", "budget": "1G", "trials": 20} | settings))


@pytest.fixture(scope="module")
def mat():
    return load_space("mat")


@pytest.mark.parametrize("accuracy", ["estimate", "proxy"])
def test_anchors_come_first_and_then_designs_from_the_cheapest_on(mat, accuracy):
    designs = first_designs(mat, config(accuracy=accuracy)).designs
    assert [anchor for anchor, _ in designs] == ["mat_1", "mat_2"] + [None] * STARTUP
    macs = [cost(spec).macs for _, spec in designs[2:]]
    assert macs == sorted(macs) and len({spec for _, spec in designs}) == len(designs)


def test_all_trials_are_finalists_where_nothing_moves_the_estimates(mat):
    found = first_designs(mat, config(), alternates=False)
    assert found.others == 18 and found.screening["designs"] >= 18 and len(found.screening["cloud"][0]) == 2


def test_nothing_is_screened_where_scores_are_a_proxys(mat):
    assert first_designs(mat, config(accuracy="proxy")).screening == {}


@pytest.mark.parametrize(
    ("anchors", "names"),
    [("all", ["mat_1", "mat_2"]), ("nearest", ["mat_2"]), ("none", []), ("mat_1", ["mat_1"])],
)
def test_anchors_are_chosen(mat, anchors, names):
    assert list(chosen_anchors(mat, config(anchors=anchors))) == names


def test_an_anchor_beside_the_budget_is_refused(mat):
    with pytest.raises(InputError, match=r"families within the budget \(mat_1, mat_2\), but got mat_4, x"):
        chosen_anchors(mat, config(anchors="mat_4, mat_1, x"))


STILL = {
    "family": "mat",
    "axes": {
        "head.width": [64],
        "downsample": ["bilinear"],
        "dim": {"values": [8, 16], "scale": [1, 2, 4, 8]},
        "depth": [1],
        "mixer": ["none", "window"],
        "window": [7],
        "heads": [1],
        "mlp_depthwise": [False],
    },
}


def test_a_space_in_which_positions_never_meet_is_refused_and_one_that_is_used_up_is_not(tmp_path):
    path = tmp_path / "still.yaml"
    path.write_text(yaml.safe_dump(STILL | {"axes": STILL["axes"] | {"mixer": ["none"]}}))
    asked = config(space=str(path), anchors="none", budget=None)
    with pytest.raises(InputError, match="designs in which positions of the map meet, but in none of the best they do"):
        first_designs(load_space(str(path)), asked)
    path.write_text(yaml.safe_dump(STILL))
    space = load_space(str(path))
    whole = space.draw(space.size())
    meet = [spec for spec in whole if mixes(spec, space.resolution)]
    assert 0 < len(meet) < len(whole)
    assert finalists_of(space, asked, 5, meet, lambda done, of: None)[0] == []
