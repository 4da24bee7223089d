import pytest

from vitspace.searching.engines._nni_space import WORST, result, search_space, to_params
from vitspace.space import load_space
from vitspace.space.config import SpaceConfig
from vitspace.space.space import Space
from vitspace.study.trial import Trial


@pytest.fixture
def conditional():
    """A space in which an axis depends on another's value."""
    axes = {
        "dim": {"values": [32, 64], "scale": [1, 2, 4, 8]},
        "depth": [1],
        "head_dim": [16],
        "exchange": ["shuffle", "no_token"],
        "region_size": {"values": [1, 2], "when": {"exchange": ["shuffle"]}},
    }
    return Space("c", SpaceConfig.model_validate({"family": "msg", "axes": axes}))


def test_conditional_axes_are_nested_in_the_choice_they_depend_on(conditional):
    assert search_space(conditional) == {
        "dim": {"_type": "choice", "_value": [0, 1]},
        "exchange": {
            "_type": "choice",
            "_value": [{"_name": "0", "region_size": {"_type": "choice", "_value": [0, 1]}}, {"_name": "1"}],
        },
    }


@pytest.mark.parametrize(
    ("proposal", "params"),
    [
        (
            {"dim": 1, "exchange": {"_name": "0", "region_size": 1}},
            {"dim": 64, "exchange": "shuffle", "region_size": 2},
        ),
        ({"dim": 0, "exchange": {"_name": "1"}}, {"dim": 32, "exchange": "no_token"}),
    ],
)
def test_a_proposal_becomes_params(conditional, proposal, params):
    assert to_params(conditional, proposal) == params


def test_the_msg_space_has_a_choice_for_every_free_variable():
    space = load_space("msg")
    text = str(search_space(space))
    assert all(repr(v.name) in text for v in space.variables if len(v.values) > 1)


def test_the_result_is_the_largest_share_of_the_reference_point():
    trial = Trial(0, "complete", macs=2_000_000_000, latency_ms=30.0, score=-1.5)
    reported = result(trial, (0.0, 0.0, 0.0), (3.0, 4e9, 40.0))
    assert reported["default"] == pytest.approx(-0.75 - 0.05 * 1.75)
    assert (reported["score"], reported["gflops"], reported["latency_ms"]) == (-1.5, 2.0, 30.0)


def test_a_rejected_design_is_worth_less_than_any_other():
    origin = (0.0, 0.0, 0.0)
    assert result(Trial(0, "over_budget"), origin, (3.0, 4e9, 40.0)) == {"default": WORST}
    assert result(None, origin, None) == {"default": WORST}


def test_a_positive_score_is_a_share_of_the_way_from_the_ideal_to_the_reference_point():
    trial, better = (Trial(0, "complete", macs=10**9, latency_ms=10.0, score=score) for score in (50.0, 60.0))
    box = (-100.0, 0.0, 0.0), (0.0, 4e9, 40.0)
    assert result(trial, *box)["default"] == pytest.approx(-0.5 - 0.05 * 1.0)
    assert result(better, *box)["default"] > result(trial, *box)["default"]
