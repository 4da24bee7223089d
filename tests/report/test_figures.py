import math
from dataclasses import replace
from itertools import combinations

import pytest

from vitspace.plots import style
from vitspace.plots.frame import save_figure
from vitspace.report.figures import score_against
from vitspace.report.noise import noise_limit
from vitspace.report.plane_figure import plane
from vitspace.report.references import labelled
from vitspace.report.scatter import scatter
from vitspace.report.score_figure import draw


def test_scatter_parts_trials_front_and_anchors(record):
    data = scatter(record, "macs")
    assert [(m.x, m.y) for m in data.trials] == [(3.0, -2.72)]
    assert [m.label for m in data.front] == ["1", "3", "2"]
    half = noise_limit(record) / 2
    assert [(m.label, m.below, m.above) for m in data.anchors] == [("MSG-T", half, half)]
    assert data.steps[0] == (1.0, -2.8) and data.steps[-1] == (3.8, -2.5)
    assert (data.budget, data.chance, data.noise) == (4.0, -3.0, noise_limit(record) / 2)


def test_axes_and_titles_name_the_device_that_latency_is_predicted_for(record):
    there = replace(record, config=record.config.model_copy(update={"latency": "pi5:60ms"}))
    data = scatter(there, "latency_ms")
    assert data.xlabel == "Latency predicted for pi5 (ms, batch 1, 1 thread)" and data.budget == 60.0
    assert data.title.endswith("score against latency predicted for pi5")
    assert plane(there).title.endswith("latency predicted for pi5 against FLOPs")


def test_published_designs_over_budget_are_references(record):
    assert scatter(record, "macs").references == [(8.4, "MSG-S: 83.4 %"), (14.2, "MSG-B: 84 %")]
    assert scatter(record, "latency_ms").references == []
    assert scatter(replace(record, config=record.config.model_copy(update={"budget": None})), "macs").references == []


def test_references_out_of_reach_are_named_only(record):
    narrow = replace(record, trials=[t for t in record.trials if (t.macs or 0) > 2.5e9])
    data = scatter(narrow, "macs")
    assert (data.references, data.beyond) == ([], ["MSG-S 8.4 G", "MSG-B 14.2 G"])


def test_published_designs_that_stand_close_share_a_label_that_fits():
    lines = [
        (1.8, "EMSNet-T: 79.3 %"),
        (1.85, "PartialFormer-B2: 82 %"),
        (1.87, "MAT-4: 81 %"),
        (4.0, "TransCNN-B: 82.2 %"),
    ]
    named = [(1.8, "EMSNet-T: 79.3 % and 2 more"), (1.85, ""), (1.87, ""), (4.0, "TransCNN-B: 82.2 %")]
    assert labelled(lines, math.log(8)) == named
    assert labelled(lines[1:3], math.log(8))[0] == (1.85, "PartialFormer-B2: 82 %, MAT-4: 81 %")


def test_axes_carry_units_and_caption_the_recipe(record):
    assert scatter(record, "macs").xlabel == "FLOPs (G multiply-adds at 224 px)"
    assert scatter(record, "latency_ms").xlabel == "CPU latency (ms, batch 1, 1 thread)"
    caption = " ".join(scatter(record, "macs").caption)
    assert "40 steps" in caption and "fractal" in caption and "node-1, Xeon, 2026-01-02" in caption


def test_figure_draws_every_completed_trial(record):
    axes = draw(scatter(record, "macs")).axes[0]
    assert axes.get_ylabel() == "proxy score (\N{MINUS SIGN}validation loss)"
    drawn = {group.get_label(): len(group.get_offsets()) for group in axes.collections}
    assert drawn["trial"] == 1
    assert drawn["on the front, with its number"] == 3
    assert drawn["published design, run here"] == 1


def test_lines_and_anchors_are_labelled(record):
    near = replace(record, reference=record.reference | {"chance_loss": 2.85})
    texts = {text.get_text() for text in score_against(near, "macs").axes[0].texts}
    assert {"MSG-T", "MSG-S: 83.4 %", "budget: 4 G", "chance"} <= texts


def test_chance_far_below_the_trials_is_out_of_view(record):
    assert "chance" not in {text.get_text() for text in score_against(record, "macs").axes[0].texts}


def test_labels_overlap_nothing(record):
    figure = score_against(record, "macs")
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


@pytest.mark.parametrize("axis", ["macs", "latency_ms"])
@pytest.mark.parametrize("name", ["bare", "lone"])
def test_few_trials_still_make_a_figure(name, axis, request):
    axes = score_against(request.getfixturevalue(name), axis).axes[0]
    assert ("no completed trial" in [text.get_text() for text in axes.texts]) is (name == "bare")


def test_equal_trials_make_a_figure(lone):
    twins = replace(lone, trials=[lone.trials[0], replace(lone.trials[0], number=2)])
    assert len(scatter(twins, "macs").front) == 2
    score_against(twins, "macs")


def test_drawing_again_gives_the_same_bytes(record, tmp_path):
    first = [path.read_bytes() for path in save_figure(score_against(record, "macs"), tmp_path / "a")]
    again = [path.read_bytes() for path in save_figure(score_against(record, "macs"), tmp_path / "b")]
    assert first == again
    assert first[0].startswith(b"\x89PNG") and first[1].startswith(b"%PDF") and b"CreationDate" not in first[1]


def test_a_narrow_figure_leaves_its_width_to_the_trials(record):
    data = scatter(record, "macs")
    assert data.references and draw(data).axes[0].get_xlim()[1] > 8
    figure = draw(data, style.NARROW)
    frame = figure.axes[0].bbox
    assert figure.axes[0].get_xlim()[1] < 5
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert boxes and all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


def test_large_scores_are_written_in_full(record):
    large = [replace(t, score=t.macs) if t.complete else t for t in record.trials]
    axes = draw(scatter(replace(record, trials=large), "macs")).axes[0]
    axes.figure.canvas.draw()
    assert axes.yaxis.get_offset_text().get_text() == ""
    assert "2e9" in [label.get_text() for label in axes.get_yticklabels()]
