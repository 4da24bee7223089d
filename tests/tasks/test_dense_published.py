"""The published rows of dense tasks: all of them, each with the status that is expected."""

from collections import Counter

import pytest

from vitspace.errors import InputError
from vitspace.tasks.heads import DENSE
from vitspace.tasks.published import FLOPS_TOLERANCE, PARAMS_TOLERANCE, dense_rows, published_rows

#: Rows that no faithful reading reproduces; published.csv says why.
UNREPRODUCED = {"resnet50:retinanet", "emsnet_xtiny:retinanet"}
ROWS = {
    "semantic-fpn": 10,
    "upernet": 6,
    "fpn": 4,
    "vt-fpn": 4,
    "retinanet": 16,
    "mask-rcnn": 15,
    "cascade-mask-rcnn": 6,
    "ssdlite": 5,
    "simple-baseline": 5,
}


@pytest.fixture(scope="module")
def table():
    return {row["id"]: row for task in DENSE for row in published_rows(task)}


def test_every_row_has_a_task_and_a_name_of_its_own():
    assert Counter(row.task for row in dense_rows()) == ROWS
    assert len({row.id for row in dense_rows()}) == sum(ROWS.values()) == 71
    assert Counter(row.role for row in dense_rows() if row.family == "peer") == {"peer": 19}


def test_every_row_has_the_expected_status(table):
    assert {name for name, row in table.items() if row["status"] != "reproduced"} == UNREPRODUCED


def test_why_is_said_where_and_only_where_a_row_is_unreproduced(table):
    assert {name for name, row in table.items() if row["why"]} == UNREPRODUCED
    assert {row.id for row in dense_rows() if row.why} == UNREPRODUCED


def test_peers_prove_the_convention(table):
    peers = [row for row in table.values() if row["role"] == "peer" and row["id"] not in UNREPRODUCED]
    flops = [abs(row["flops_error_without_attention"]) for row in peers]
    assert max(flops) < FLOPS_TOLERANCE and sum(error < 0.01 for error in flops) >= 17
    assert all(abs(row["params_error"]) < PARAMS_TOLERANCE for row in peers if row["params_error"] is not None)


def test_rows_beyond_the_tolerances_are_within_a_unit_of_the_last_digit(table):
    beyond = {
        name
        for name, row in table.items()
        if abs(row["params_error"] or 0) > PARAMS_TOLERANCE
        or abs(row["flops_error_without_attention"] or 0) > FLOPS_TOLERANCE
    }
    assert beyond - UNREPRODUCED == {
        "mat_2:semantic-fpn",
        "mat_3:semantic-fpn",
        "mat_2:retinanet",
        "partialformer_b1:mask-rcnn",
        "mat_1:ssd",
        "partialformer_b1:simple-baseline",
    }


def test_a_row_says_what_it_was_counted_with(table):
    row = table["mat_2:retinanet"]
    assert row["img_size"] == [800, 1280] and row["size_printed"] and row["num_classes"] == 80
    assert row["published"]["gflops"] == 164 and row["published"]["metric"] == "AP box" and row["spec_id"]
    assert row["macs"] > row["macs_without_attention"]
    assert table["resnet50:fpn:lip"]["num_classes"] == 20 and table["resnet50:fpn"]["spec_id"] is None
    assert table["transcnn_base:retinanet"]["flops_error"] is None


def test_rows_of_a_family_or_role_are_chosen():
    assert {row["family"] for row in published_rows("ssdlite", family="mat")} == {"mat"}
    assert len(published_rows("upernet", role="peer")) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("segformer",), "a task is one of classification"),
        (("upernet", "msg"), "a family of upernet's rows is one of partial, peer, but got 'msg'"),
        (("upernet", None, "ablation"), "a role of upernet's rows is one of anchor, peer, but got 'ablation'"),
    ],
)
def test_rows_that_there_are_not_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        published_rows(*arguments)
