"""Reports of studies for a dense task."""

from dataclasses import replace

import pytest

from vitspace.anchors import anchor
from vitspace.errors import InputError
from vitspace.report.compare import Comparison
from vitspace.report.markdown import report_text
from vitspace.report.names import costed_words, latency_name
from vitspace.report.page.sections import cards, views_note
from vitspace.report.scatter import cost_label, scatter
from vitspace.report.tables import anchors_table, references
from vitspace.report.tasks import carried_value, carried_words, task_sentence
from vitspace.report.words import design_commands, headline
from vitspace.tasks.carrying import lines

TASK = {"name": "semantic-fpn", "size": [512, 512], "num_classes": 150}


@pytest.fixture
def dense(points):
    """A study in points, as if it was for a dense task."""
    space = (points.resolved.get("space") or {}) | {"task": TASK}
    config = points.config.model_copy(update={"task": "semantic-fpn", "img_size": "512"})
    return replace(points, config=config, resolved=points.resolved | {"space": space})


def test_it_says_what_costs_are_of_and_how_top1_carries_over(dense):
    said = headline(dense)
    assert "those of whole networks for semantic-fpn at 512 px, 150 classes" in said
    assert "Top-1 is of the backbones as networks of classification at 224 px" in said
    assert lines("semantic-fpn")[0].words in said


def test_costs_are_named_as_those_of_whole_networks(dense):
    assert costed_words(dense) == "of whole networks, semantic-fpn at 512 px"
    assert cost_label(dense, "macs") == "FLOPs (G multiply-adds of whole networks, semantic-fpn at 512 px)"
    assert latency_name(dense) == "CPU latency of the whole network"
    assert "FLOPs and latency of whole networks, semantic-fpn at 512 px." in report_text(dense)


def test_what_costs_in_classification_does_not_stand_beside_it(dense):
    made = scatter(dense, "macs")
    assert not (made.public or made.untried or made.references or references(dense))
    assert "public networks" not in views_note(dense)
    table = anchors_table(dense)
    assert "published_gflops" not in table and "published_task" in table


def test_a_design_is_carried_over_within_the_range_of_the_rows(dense):
    [line] = lines("semantic-fpn")
    trial = replace(dense.front[0], score=80.0, score_std=0.5, anchor=None, estimate={"low90": 79, "high90": 81})
    value, sd = carried_value(dense, trial)
    assert value == line.value(80.0) and sd == pytest.approx((line.sd**2 + (line.slope * 0.5) ** 2) ** 0.5)
    said = f"By the published rows of semantic-fpn: mIoU {value:.1f} ± {sd:.1f}, no result"
    assert carried_words(dense, trial) == f"{said}; no row is of MSG."
    own = line.errors_of("mat")
    where = "above" if own.mean() > 0 else "below"
    words = carried_words(dense, replace(trial, spec=anchor("mat_2").spec))
    rows = f"MAT's own {len(own)} rows lie {abs(own.mean()):.1f} points {where} the line of the others"
    assert words == f"{said}; {rows}."
    outside = replace(trial, score=85.0)
    assert carried_value(dense, outside) is None
    assert "Top-1 is outside of the published rows of semantic-fpn" in carried_words(dense, outside)


def test_designs_outside_the_range_of_the_rows_are_counted(dense):
    [line] = lines("semantic-fpn")
    by_cost = sorted(dense.front, key=lambda trial: trial.macs)
    scores = [75.0, *(80.0 + i / 10 for i in range(len(by_cost) - 2)), 85.0]
    front = [replace(trial, score=score, anchor=None) for trial, score in zip(by_cost, scores, strict=True)]
    words = f" Of the {len(front)} designs on the front 1 above and 1 below that range: no mIoU is said of them."
    assert len(front) > 2 and task_sentence(replace(dense, trials=front)).endswith(line.words + words)
    inside = [replace(trial, score=80.0) for trial in dense.trials]
    assert task_sentence(replace(dense, trials=inside)).endswith(line.words)


def test_cards_say_it(dense):
    assert all("published rows of semantic-fpn" in card.estimate for card in cards(dense))


def test_of_tasks_with_too_few_rows_that_is_said(dense):
    resolved = dense.resolved | {"space": {"task": TASK | {"name": "vt-fpn"}}}
    said = task_sentence(replace(dense, resolved=resolved))
    assert said.endswith("Too few published backbones of vt-fpn tell how that carries over.")


def test_studies_of_two_tasks_are_not_compared(points, dense):
    with pytest.raises(InputError, match=r"their task is .*semantic-fpn at 512 px"):
        Comparison.of([points, dense])


def test_classification_says_nothing_of_it(points):
    assert "whole network" not in report_text(points) and carried_words(points, points.front[0]) == ""


def test_a_study_of_a_proxys_scores_tells_nothing_of_top1(dense):
    config = dense.config.model_copy(update={"accuracy": "proxy"})
    [trial, *_] = dense.front
    assert carried_words(dense, trial) and carried_words(replace(dense, config=config), trial) == ""


def test_commands_look_at_the_whole_network_and_train_the_classifier(dense):
    commands = dict(design_commands(dense, dense.front[0]))
    assert commands["see where its milliseconds go"].endswith("/spec.json --task semantic-fpn --img-size 512")
    assert "--task" not in commands["train it in full"]
