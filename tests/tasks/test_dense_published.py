"""The published rows of dense tasks: all of them, each with the status that is expected."""

from collections import Counter
from functools import cache

import pytest

from vitspace.errors import InputError
from vitspace.tasks.heads import DENSE
from vitspace.tasks.published import FLOPS_TOLERANCE, PARAMS_TOLERANCE, dense_rows, published_rows

#: Rows that no faithful reading reproduces; published.csv says why.
UNREPRODUCED = {"resnet50:retinanet", "emsnet_xtiny:retinanet"}
#: Rows that are off by more than the tolerances, but by no more than a unit of the last printed digit.
ROUNDED = {
    "mat_2:semantic-fpn",
    "mat_3:semantic-fpn",
    "mat_2:retinanet",
    "partialformer_b1:mask-rcnn",
    "mat_1:ssd",
    "partialformer_b1:simple-baseline",
}
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


@cache
def table(task):
    return {row["id"]: row for row in published_rows(task)}


def off(row):
    """Errors of params and FLOPs over their tolerances."""
    flops = abs(row["flops_error_without_attention"] or 0) / FLOPS_TOLERANCE
    return max(abs(row["params_error"] or 0) / PARAMS_TOLERANCE, flops)


def of_task(names, task):
    return names & {row.id for row in dense_rows() if row.task == task}


def test_every_row_has_a_task_and_a_name_of_its_own():
    assert Counter(row.task for row in dense_rows()) == ROWS
    assert len({row.id for row in dense_rows()}) == sum(ROWS.values()) == 71
    assert Counter(row.role for row in dense_rows() if row.family == "peer") == {"peer": 19}


def test_why_is_said_where_and_only_where_a_row_is_unreproduced():
    assert {row.id for row in dense_rows() if row.why} == UNREPRODUCED


@pytest.mark.parametrize("task", DENSE)
def test_every_row_has_the_expected_status(task):
    rows = table(task)
    rounded = {name for name, row in rows.items() if row["why"].endswith(", within a unit of the last printed digit")}
    assert rounded == of_task(ROUNDED, task)
    assert {name for name, row in rows.items() if row["status"] != "reproduced"} == of_task(UNREPRODUCED, task)
    assert {name for name, row in rows.items() if row["why"]} == of_task(UNREPRODUCED | ROUNDED, task)
    assert {name for name, row in rows.items() if off(row) > 1} == of_task(UNREPRODUCED | ROUNDED, task)


@pytest.mark.parametrize("task", [task for task in DENSE if task not in ("ssdlite", "vt-fpn")])
def test_peers_prove_the_convention(task):
    peers = [row for row in table(task).values() if row["role"] == "peer" and row["id"] not in UNREPRODUCED]
    assert peers and all(off(row) < 1 for row in peers)
    assert any(abs(row["flops_error_without_attention"]) < 0.01 for row in peers)


def test_a_row_says_what_it_was_counted_with():
    row = table("ssdlite")["mat_2:ssd"]
    assert row["img_size"] == [320, 320] and row["size_printed"] and row["num_classes"] == 80
    assert row["published"]["gflops"] == 1.5 and row["published"]["metric"] == "AP box" and row["spec_id"]
    assert row["macs"] > row["macs_without_attention"] and row["published"]["top1"] is None


def test_a_row_within_a_unit_says_how_far_it_is_off():
    row = table("ssdlite")["mat_1:ssd"]
    assert abs(row["macs_without_attention"] / 1e9 - 0.8) < 0.1
    assert row["why"] == "FLOPs off by +8.6%, within a unit of the last printed digit"


def test_rows_have_their_own_classes_and_what_is_not_printed_is_none():
    rows = table("fpn")
    assert [rows[name]["num_classes"] for name in ("resnet50:fpn", "resnet50:fpn:lip")] == [54, 20]
    assert rows["resnet50:fpn"]["spec_id"] is None and rows["resnet50:fpn"]["params_error"] is None


def test_rows_of_a_family_or_role_are_chosen():
    assert {row["family"] for row in published_rows("ssdlite", family="mat")} == {"mat"}
    assert [row["role"] for row in published_rows("simple-baseline", role="peer")] == ["peer", "peer"]


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
