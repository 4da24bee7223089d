"""What is said of a study whose designs are compared with no published network."""

from dataclasses import replace

import pytest

import vitspace
from vitspace.report.absent import better_words, no_anchor_words
from vitspace.report.points import estimate_sentence
from vitspace.report.tables import anchors_table
from vitspace.report.words import headline


@pytest.fixture
def alone(points):
    """Make a study of some settings without its anchor."""

    def make(family="msg", **settings):
        config = points.config.model_copy(update={"anchors": "all", **settings})
        space = points.resolved["space"] | {"family": family}
        return replace(points, config=config, trials=points.trials[1:], resolved=points.resolved | {"space": space})

    return make


def test_the_nearest_published_network_is_named_where_none_fits(alone):
    said = (
        "No published network of this space lies within 0.5G; the nearest is MSG-T at 3.82G: designs are compared with "
        "no published network."
    )
    found = alone(budget="0.5G")
    assert no_anchor_words(found) == said and said in headline(found)


def test_of_several_families_the_nearest_of_all_is_named(alone):
    for family in (["msg", "ems"], {"each": ["msg", "ems"]}):
        assert "within 0.5G; the nearest is EMSNet-XXT at 0.52G:" in no_anchor_words(alone(family, budget="0.5G"))


def test_params_are_named_where_they_are_limited(alone):
    said = no_anchor_words(alone(budget=None, params="2M"))
    assert "lies within 2M; the nearest is MSG-T at 25.1M params and 3.82G" in said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budget": "0.5G", "anchors": "none"}, "compared with no published network (--anchors none)."),
        ({"budget": "4G"}, "network: none was evaluated (--anchors nearest takes those of the space's families)."),
    ],
)
def test_other_reasons_are_named(alone, settings, words):
    assert no_anchor_words(alone(**settings)).endswith(words)


def test_a_rejected_anchor_is_named(points):
    slow = replace(points.trials[0], state="over_budget", why="80 ms")
    found = replace(points, trials=[slow, *points.trials[1:]])
    assert no_anchor_words(found) == "Designs are compared with no published network: MSG-T is over budget."


def test_estimates_say_that_none_is_held_against_a_result(alone, points):
    said = "No published network is among these designs, so none of these estimates is held against a result."
    assert said in estimate_sentence(alone(budget="0.5G")) and said not in estimate_sentence(points)


def test_nothing_is_said_beside_anchors_and_of_no_designs(points, new):
    assert no_anchor_words(points) == no_anchor_words(new) == ""


def test_a_smaller_sibling_of_an_anchor_that_was_not_run_is_named_where_it_is_better(points):
    spec = vitspace.anchor("partialformer_b3").spec
    largest = replace(points.trials[0], number=9, anchor="partialformer_b3", spec=spec)
    found = replace(points, trials=[*points.trials, largest])
    said = (
        "Published above all searched designs of no more FLOPs, and not run here: PartialFormer-B2 (82.0 %, 1.92 G; "
        "the best of these 79.2 %)."
    )
    assert better_words(found) == said and said in headline(found)
    good = replace(found, trials=[*found.trials, replace(points.trials[3], number=8, score=82.5)])
    assert better_words(good) == better_words(points) == ""
    slow = replace(points.trials[0], number=9, anchor="partialformer_b2", state="over_budget")
    assert better_words(replace(found, trials=[*found.trials, slow])) == ""


def test_a_published_network_that_is_counted_over_the_budget_is_not_called_not_run(points):
    small = replace(points.trials[0], number=9, anchor="transcnn_small", spec=vitspace.anchor("transcnn_small").spec)
    rows = anchors_table(replace(points, trials=[*points.trials, small])).set_index("name")
    assert rows.standing["TransCNN-B"] == "outside the budget as counted here: FLOPs 4.196G outside ..4G"
    assert rows.standing["MSG-B"] == "outside the budget"
