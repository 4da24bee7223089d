"""A study in points, in words, tables and figures."""

import json
from dataclasses import replace
from itertools import combinations

import pytest

from vitspace.errors import InputError
from vitspace.plots import style
from vitspace.plots.formats import readable
from vitspace.plots.names import public_name
from vitspace.report.check import check_sentence, check_words, unlearned
from vitspace.report.choice import chosen_few, design_lines, rule_words, select
from vitspace.report.compare import Comparison
from vitspace.report.figures import figures, score_against
from vitspace.report.history import history
from vitspace.report.names import trial_name
from vitspace.report.page.sections import cards, facts, growth_words
from vitspace.report.points import LEAD_RULE, TIE_RULE, estimate_words, known, score_text
from vitspace.report.printed import study_data
from vitspace.report.references import NEAR, public_networks
from vitspace.report.scatter import scatter, training_check
from vitspace.report.score_figure import draw
from vitspace.report.study_file import read_study
from vitspace.report.tables import anchors_shown, anchors_table, calibration, for_reading, front_table, trials_table
from vitspace.report.terminal import terminal_table
from vitspace.report.words import headline, proxy_sentence, score_label


def test_what_an_estimate_is_is_said_with_its_own_error(points):
    text = proxy_sentence(points)
    facts = known()
    assert f"results of {facts.networks} networks (mean error {facts.mae:.1f} points on families not seen)" in text
    assert "they are not results" in text and "single modules" in text and text.endswith(f"{TIE_RULE} {LEAD_RULE}")


def test_the_headline_counts_what_was_screened_and_warns(points):
    text = headline(points)
    assert "6 designs evaluated within 4G FLOPs (5 chosen from 100,352 screened, published: MSG-T)" in text
    assert "1 design, 1, lies outside of what is known, where intervals are wider." in text
    assert f"No better than chance (-3.000) in the short training: {trial_name(points.trials[3])} (trial 3)." in text


def test_shared_weights_are_no_check_that_a_design_trains(points):
    told = points.resolved["proxy"] | {"trains": True, "rests_on": "shared weights"}
    shared = replace(points, resolved=points.resolved | {"proxy": told})
    assert check_sentence(shared).startswith(
        "Proxy scores are the negative validation loss with shared weights, and no"
    )
    assert "No better than chance (-3.000) with shared weights: " in headline(shared)
    assert "which trains nothing" in training_check(shared).title


def test_what_a_sampler_proposed_is_counted_apart_from_what_was_screened(points):
    chosen = [trial.spec.id for trial in points.trials[1:4]]
    later = replace(points, screening=points.screening | {"chosen": chosen})
    assert "(3 chosen from 100,352 screened, 2 proposed by the sampler, published: MSG-T)" in headline(later)
    assert "chosen from 100,352 that were screened and 2 were proposed by the sampler" in growth_words(later)


def test_a_training_free_proxy_is_called_by_its_name(points):
    free = replace(points, resolved=points.resolved | {"proxy": {"name": "params", "trains": False}})
    assert figures(free)["check"].alt == "Scores of params, which trains nothing, against FLOPs"
    assert training_check(free).title == "msg-4G: scores of params, which trains nothing"
    shown = [dict(card.facts) for card in cards(free)]
    assert all("params, training-free" in each and "proxy score" not in each for each in shown)


def test_a_changed_predictor_is_told_in_the_report(points):
    runs = {"accuracy": {"predictor": "a"}, "resumed": [{"command": "x"}, {"predictor": "a"}]}
    assert "The predictor changed" not in proxy_sentence(replace(points, resolved=points.resolved | runs))
    runs["resumed"].append({"predictor": "b"})
    assert "The predictor changed" in proxy_sentence(replace(points, resolved=points.resolved | runs))


def test_a_check_that_published_designs_fail_is_too_short(points):
    hard = replace(points, reference=points.reference | {"chance_loss": 2.5})
    assert "6 of 6 designs. Published ones are among them, so this training is too short to tell" in headline(hard)
    assert all(f"(trial {number})" in check_words(hard) for number in range(6))


def test_a_score_is_named_as_what_it_is(points, record):
    assert score_text(points, points.trials[5]) == "top-1 82.0 ± 0.9 (estimate)"
    assert score_text(points, points.trials[0]) == "top-1 82.4 (published)"
    assert score_text(record, record.trials[0]) == "score -2.5000"


def test_an_estimate_says_what_it_rests_on(points):
    text = estimate_words(points, points.trials[1])
    assert text.startswith("Estimated ImageNet-1k top-1 77.0 % (90 % interval 75.4 to 78.4), an estimate, not a result")
    assert "nearest public networks: swin_tiny" in text and "Outside of what is known: chain 10" in text
    moved = replace(points.trials[2], estimate=points.trials[2].estimate | {"shift": -0.31})
    assert "moved it by -0.3 points" in estimate_words(points, moved)
    anchor = estimate_words(points, points.trials[0])
    assert anchor == "Published ImageNet-1k top-1 82.4 %; without this result it is predicted at 81.9 ± 0.9."


def test_beside_a_proxys_scores_stands_an_estimate_too(record):
    text = estimate_words(record, record.trials[1])
    assert text.startswith("Estimated ImageNet-1k top-1") and "not on this study's scores" in text


def test_designs_are_named_by_family_params_and_hash(points):
    trial = points.trials[1]
    assert trial_name(trial) == f"msg-25.0M-{trial.spec.id[:4]}"


def test_tables_hold_estimates_and_what_the_proxy_measured(points):
    trials = trials_table(points).set_index("number")
    row = trials.loc[5]
    assert (row["score"], row["score_std"], row["low90"], row["proxy_score"]) == (82.0, 0.9, 80.4, -2.55)
    assert (row["latency_low_ms"], row["timed_seconds"], row["proxy_seconds"]) == (28.0 * 0.97, 3.0, 20.0)
    shown = readable(for_reading(points, trials))
    assert shown["estimated top-1, %"].iloc[5] == "82.0 ± 0.9"
    assert shown["CPU latency, ms"].iloc[5] == "28.0 (27.2\N{EN DASH}28.8)"
    assert "proxy score" not in shown


def test_a_proxys_table_has_no_second_column_of_it(record):
    assert "proxy's score" not in readable(for_reading(record, trials_table(record)))


def test_gaps_have_intervals(points):
    row = front_table(points).set_index("number").loc[5]
    assert row["against_anchor"] == "MSG-T: 11 % cheaper, 30 % faster, -0.4 points [-2.0, +1.2], ties"
    assert row["gap_low"] < row["score_gap"] < row["gap_high"]
    assert readable(for_reading(points, front_table(points)))["top-1 from it, points"].iloc[-2] == "-0.4 (-2.0 to +1.2)"


def test_an_anchor_shows_the_error_of_its_prediction(points):
    row = anchors_table(points).set_index("name").loc["MSG-T"]
    assert (row["published_top1"], row["prior"], row["prior_error"]) == pytest.approx((82.4, 81.9, -0.5))
    shown = readable(anchors_shown(points)).iloc[0]
    assert shown["predicted without it, %"] == "81.9 ± 0.9" and shown["error of that, points"] == "-0.5"
    assert "estimated top-1, %" not in shown


def test_calibration_tells_of_estimates_and_not_of_seeds(points):
    values = calibration(points).set_index("quantity")["value"]
    assert values["mean error of estimates"] == known().mae
    assert values["mean error on this study's anchors"] == pytest.approx(0.5)
    assert (values["weight of the proxy"], values["loss of chance"]) == (0.02, 3.0)
    assert values["loss of MSG-T"] == 2.5 and "noise between seeds" not in values


def test_the_evidence_stands_beside_the_check(points):
    said = check_sentence(points)
    assert "a check that a design trains, and no accuracy." in said
    assert "As evidence of accuracy, when the search ran, train:tiny weighs 2 %" in said
    assert [trial.number for trial in unlearned(points)] == [3]


def test_the_terminal_shows_the_deviation(points):
    table = terminal_table(points)
    assert next(iter(table.columns[5].cells)) == "77.0 ± 0.9" and table.columns[5].header == "top-1"


def test_designs_that_tie_with_the_best_are_as_good(points):
    assert select(points, "best").number == 0
    assert {select(points, rule).number for rule in ("cheapest", "fastest")} == {5}
    assert any("of a tie" in each.title for each in chosen_few(points))
    assert rule_words(points, "fastest") == "the lowest latency among the same"
    assert "top-1 82.4 (published), on the front" in design_lines(points, "best", points.trials[0])[1]


def test_the_page_shows_estimates(points):
    assert dict(facts(points))["best estimated top-1, %"] == "82.0 ± 0.9"
    shown = {card.name: dict(card.facts) for card in cards(points)}
    assert shown["MSG-T"]["published top-1, %"] == "82.4" and shown["MSG-T"]["proxy score"] == "-2.500"


def test_of_screened_designs_none_is_a_random_draw(points):
    assert history(points).random is None
    assert "chosen from 100,352 that were screened" in growth_words(points)


def test_studies_in_points_compare_whatever_their_proxy(points, record):
    other = replace(points, name="b", config=points.config.model_copy(update={"proxy": "zico"}))
    text = Comparison.of([points, other]).text()
    assert TIE_RULE in text and "within noise" not in text and "estimated top-1 70" in text
    with pytest.raises(InputError, match="their accuracy is msg-4G: estimate, b: proxy"):
        Comparison.of([points, replace(record, name="b")])


def test_axes_are_in_points_with_intervals(points):
    data = scatter(points, "macs")
    assert data.ylabel == score_label(points) == "estimated ImageNet-1k top-1 (%)"
    assert {(mark.label, round(mark.below, 6), round(mark.above, 6)) for mark in data.front} >= {("5", 1.6, 1.4)}
    [star], [hollow] = data.anchors, data.predicted
    assert (star.y, hollow.y, star.below) == (82.4, 81.9, 0.0) and hollow.x == star.x
    assert (data.noise, data.chance, data.cloud[0]) == (0.0, None, (1.0, 75.0))


def test_public_networks_stand_behind_flops_alone(points):
    data = scatter(points, "macs")
    names = [mark.label for mark in data.public if mark.label]
    assert names and all(1.0 <= mark.x <= 3.8 for mark in data.public)
    latency = scatter(points, "latency_ms")
    assert (latency.public, latency.cloud) == ([], []) and latency.predicted


def test_an_anchor_without_a_prediction_stands_alone(points):
    bare = replace(points.trials[0], estimate=points.trials[0].estimate | {"prior": None})
    other = replace(points.trials[2], anchor="mat_2", estimate=points.trials[2].estimate | {"published": 80.1})
    record = replace(points, trials=[bare, points.trials[1], other, *points.trials[3:]])
    data = scatter(record, "macs")
    assert len(data.anchors) == 2 and data.misses == [((2.0, 80.1), (2.0, 80.1))]
    draw(data)


def test_published_designs_that_were_not_run_stand_at_their_accuracy(points):
    wide = replace(points.trials[5], macs=7_000_000_000)
    data = scatter(replace(points, trials=[*points.trials[:5], wide]), "macs")
    assert [(m.x, m.y, m.label) for m in data.untried] == [(8.4, 83.4, "MSG-S")]
    assert (data.references, scatter(points, "macs").untried) == ([], [])
    assert draw(data, style.NARROW).axes[0].get_xlim()[1] < 8.4


def test_public_networks_are_near_their_front():
    found = public_networks(1e9, 5e9, 224)
    best = 0.0
    for row, on_front in found:
        assert row.img_size == row.train_size == 224 and not (on_front and row.top1 <= best)
        best = max(best, row.top1)
        assert row.top1 > best - NEAR
    assert any(on_front for _, on_front in found) and not all(on_front for _, on_front in found)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("swin_tiny_patch4_window7_224.ms_in1k", "Swin-T"),
        ("pvt_v2_b2_li.in1k", "PVTv2-B2-li"),
        ("tiny_vit_11m_224.in1k", "TinyViT-11m"),
        ("twins_svt_small.in1k", "Twins-SVT-S"),
        ("edgenext_small.usi_in1k", "edgenext_small"),
    ],
)
def test_public_networks_have_their_papers_names(name, written):
    assert public_name(name) == written


def test_the_check_is_a_figure_of_its_own(points, record):
    assert "check" in figures(points) and "check" not in figures(record)
    data = training_check(points)
    assert {mark.label for mark in data.anchors} == {"MSG-T"} and data.chance == -3.0
    axes = draw(data).axes[0]
    assert "training check" in data.title and {"chance", "MSG-T"} <= {text.get_text() for text in axes.texts}


@pytest.mark.parametrize("form", [style.WIDE, style.NARROW])
@pytest.mark.parametrize("name", ["score_flops", "score_latency", "check"])
def test_labels_of_a_study_in_points_overlap_nothing(points, name, form):
    figure = figures(points)[name].draw(points, form)
    axes, renderer = figure.axes[0], figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_a_study_whose_designs_have_no_estimate_yet_is_drawn(points):
    plain = [replace(trial, estimate={}, score_std=None) for trial in points.trials]
    score_against(replace(points, trials=plain), "macs")


def test_a_study_in_points_reads_back(points, tmp_path):
    (tmp_path / "study.json").write_text(json.dumps(study_data(points)))
    assert read_study(tmp_path) == points
