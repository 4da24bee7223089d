import pytest

from vitspace.study.learning import FAR, far_behind
from vitspace.study.trial import Trial

CHANCE = 2.0
#: How much more than a published network's is far more.
MORE = FAR * CHANCE


def trial(number, macs, score, anchor=None):
    return Trial(number, "complete", macs=macs, anchor=anchor, proxy_score=score)


def behind(*trials):
    return {number: like.anchor for number, like in far_behind(trials, CHANCE).items()}


@pytest.mark.parametrize(("score", "found"), [(-0.5 - MORE - 0.01, {1: "mat_1"}), (-0.5 - MORE + 0.01, {}), (None, {})])
def test_a_design_is_held_against_a_published_one_of_its_training(score, found):
    assert behind(trial(0, 100, -0.5, "mat_1"), trial(1, 110, score)) == found


def test_the_middle_one_of_the_three_nearest_in_flops_decides():
    published = [trial(0, 100, -0.1, "mat_1"), trial(1, 120, -1.9, "mat_2"), trial(2, 90, -0.3, "mat_3")]
    far = trial(3, 1000, -1.9, "mat_4")
    assert behind(*published, far, trial(4, 105, -0.3 - MORE - 0.01)) == {4: "mat_3"}
    assert behind(*published, far, trial(4, 105, -0.3 - MORE + 0.01)) == {}


def test_of_two_published_ones_the_one_that_learns_less_decides():
    assert behind(trial(0, 100, -0.1, "mat_1"), trial(1, 120, -1.4, "mat_2"), trial(2, 105, -1.9)) == {}


def test_published_designs_are_not_held_against_each_other_and_nothing_without_them():
    assert behind(trial(0, 100, -0.1, "mat_1"), trial(1, 101, -1.9, "mat_2")) == {}
    assert behind(trial(0, 100, -0.1), trial(1, 101, -1.9)) == {}
