"""How top-1 carries over to dense tasks: lines through published rows, held-out errors, and where they are used."""

import csv

import numpy as np
import pytest

from vitspace.errors import InputError
from vitspace.tasks.carrying import FEWEST, Line, all_lines, lines
from vitspace.tasks.carrying_figure import draw, main
from vitspace.tasks.heads import DENSE
from vitspace.tasks.published import dense_rows


def test_a_line_is_of_one_metric_and_has_rows_enough():
    found = all_lines()
    assert {line.task for line in found} == set(DENSE) - {"fpn", "vt-fpn"}
    for line in found:
        assert len(line.points) >= FEWEST
        assert {point.row.metric for point in line.points} == {line.metric}
        assert np.all(np.diff(line.top1) >= 0)


def test_rows_that_two_tables_print_count_once():
    [line] = lines("mask-rcnn")
    networks = [point.row.network for point in line.points]
    assert len(networks) == len(set(networks)) == 12


def test_top1_is_that_of_our_papers_and_of_the_peers_weights():
    [line] = lines("semantic-fpn")
    known = {point.row.network: point.top1 for point in line.points}
    assert known["mat_2"] == 79.0 and known["swin_tiny_patch4_window7_224"] == 81.388
    assert all((row.top1 is not None) == (row.family == "peer") for row in dense_rows())


def test_the_line_is_that_of_least_squares():
    [line] = lines("upernet")
    slope, intercept = np.polyfit(line.top1, line.values, 1)
    assert line.slope == pytest.approx(slope)
    assert line.value(80.0) == pytest.approx(slope * 80.0 + intercept)


def test_errors_are_those_of_families_that_the_line_has_not_seen():
    [line] = lines("semantic-fpn")
    assert line.points[0].row.network.startswith("resnet")
    others = Line(line.task, line.metric, tuple(p for p in line.points if not p.row.network.startswith("resnet")))
    slope, intercept = np.polyfit(others.top1, others.values, 1)
    assert line.errors[0] == pytest.approx(line.values[0] - slope * line.top1[0] - intercept)
    assert line.error == pytest.approx(np.abs(line.errors).mean()) and line.sd >= line.error
    assert line.error < line.error_of_mean


def test_a_family_has_errors_of_its_own():
    [line] = lines("semantic-fpn")
    of_mat = [error for point, error in zip(line.points, line.errors, strict=True) if point.row.family == "mat"]
    assert line.errors_of("mat").tolist() == of_mat and of_mat and not len(line.errors_of("vt"))


def test_it_says_nothing_outside_the_range_of_its_rows():
    [line] = lines("semantic-fpn")
    low, high = line.top1.min(), line.top1.max()
    assert line.value(low - 0.01) is None and line.value(high + 0.01) is None
    assert None not in (line.value(low), line.value(high))


def test_a_line_that_is_no_better_than_the_mean_is_not_used():
    [line] = lines("simple-baseline")
    assert not line.holds and line.value(80.0) is None
    assert "AP keypoint does not follow from top-1 over the 5 published backbones" in line.words


def test_it_is_said_in_a_sentence():
    [line] = lines("semantic-fpn")
    assert line.words == (
        "mIoU rises 1.01 points a point of top-1 over the 10 published backbones of semantic-fpn (ADE20K, top-1 76.2 "
        "to 83.0 %); error on families held out 1.0 points, by the mean 2.2."
    )


def test_there_is_none_of_classification():
    with pytest.raises(InputError, match="a dense task is one of"):
        lines("classification")


def test_the_figure_has_a_panel_a_line():
    found = all_lines()
    panels = [axes for axes in draw(found).axes if axes.axison]
    assert len(panels) == len(found)
    assert [len(panel.lines) for panel in panels] == [int(line.holds) for line in found]


def test_figure_and_table_are_written(tmp_path):
    main(["--out", str(tmp_path)])
    rows = list(csv.DictReader((tmp_path / "carrying.csv").read_text().splitlines()))
    assert {row["task"]: row["holds"] for row in rows}["simple-baseline"] == "False"
    assert (tmp_path / "carrying.png").stat().st_size > 10_000
