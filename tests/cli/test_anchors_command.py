"""vitspace anchors --task."""

import json

import pytest
from typer.testing import CliRunner

from vitspace.cli import app
from vitspace.errors import InputError


def run(*arguments):
    return CliRunner().invoke(app, ["anchors", *arguments], catch_exceptions=False)


def test_rows_of_a_dense_task_stand_beside_ours():
    printed = run("--task", "ssdlite").output
    assert "mat_2:ssd" in printed and "320x320" in printed and "5 reproduced" in printed
    assert "1,000 proposals" in printed and "1 FLOP = 1 multiply-add" in printed


def test_a_result_has_the_digits_that_are_printed(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    [line] = [line for line in run("--task", "semantic-fpn").output.splitlines() if line.startswith("mat_2:")][:1]
    assert line.endswith("mIoU 40.0")


def test_json_is_one_list():
    rows = json.loads(run("--task", "ssdlite", "--family", "mat", "--json").output)
    assert [row["id"] for row in rows] == ["mat_1:ssd", "mat_2:ssd", "mat_3:ssd"]
    assert {"params", "macs", "published", "params_error", "flops_error", "status", "note", "role"} <= rows[0].keys()


def test_classification_is_the_usual_table():
    rows = json.loads(run("--task", "classification", "--family", "vt", "--json").output)
    assert rows and all(row["published"]["top1"] is None or row["published"]["top1"] > 50 for row in rows)


def test_a_task_that_is_none_is_refused():
    with pytest.raises(InputError, match="did you mean upernet"):
        run("--task", "upernett")
