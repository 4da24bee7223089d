"""The published rows beside ours: how many there are, what counts as reproduced, and what `vitspace anchors` prints."""

import json
from collections import Counter

import pytest
from typer.testing import CliRunner

from vitspace.anchors.counting import published_rows
from vitspace.cli import app
from vitspace.cli.anchors import HEADER, table
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import FAMILIES, anchor

# (params, FLOPs): what the issue grants where a unit of the last printed digit is less.
TOLERANCES = {"ems": (0.02, 0.06), "partial": (0.01, 0.06), "transcnn": (0.02, 0.075)}
FACTS = {"params_m", "gflops", "top1", "cpu_ms"}
KEYS = {"id", "family", "role", "status", "params", "macs", "published", "params_error", "flops_error", "note"}


@pytest.fixture(scope="module")
def rows():
    return published_rows()


def printed(*arguments):
    result = CliRunner().invoke(app, ["anchors", *arguments], env={"COLUMNS": "100"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_every_row_is_there_once(rows):
    assert Counter(row["role"] for row in rows) == {"anchor": 24, "ablation": 69, "peer": 57}
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["family"] for row in rows} == {*FAMILIES, "peer"}


def test_a_status_says_what_can_be_said(rows):
    for row in rows:
        compared = [row["published"][name] for name in ("params_m", "gflops") if row["published"][name] is not None]
        if row["role"] == "peer":
            assert (row["status"], row["params"], row["macs"]) == ("not-applicable", None, None)
        elif not compared:
            assert row["status"] == "not-applicable" and row["params"] and row["macs"]
        else:
            assert row["status"] in ("reproduced", "unreproduced")
        assert bool(row["why"]) == (row["status"] == "unreproduced")


def test_at_most_eight_rows_are_unreproduced_each_with_its_reason(rows):
    reasons = {row["id"]: row["why"] for row in rows if row["status"] == "unreproduced"}
    assert len(reasons) <= 8
    assert all(len(reason) > 40 for reason in reasons.values())


def test_a_reproduced_row_is_within_its_tolerance(rows):
    for row in rows:
        if row["status"] != "reproduced":
            continue
        params, macs = TOLERANCES.get(row["family"], (0.01, 0.015))
        digits, source = anchor(row["id"]).digits, row["published"]
        for name, error, tolerance in (
            ("params_m", row["params_error"], params),
            ("gflops", row["flops_error"], macs),
        ):
            if source[name] is not None:
                assert abs(error) <= tolerance or abs(error) * source[name] <= 10.0 ** -digits[name] + 1e-9, row["id"]


def test_errors_are_relative_to_what_is_printed(rows):
    row = next(row for row in rows if row["id"] == "transcnn_small")
    costs = cost(anchor("transcnn_small").spec)
    assert (row["params"], row["macs"]) == (costs.params, costs.macs)
    assert row["params_error"] == pytest.approx(costs.params / 13.1e6 - 1)
    assert row["flops_error"] == pytest.approx(costs.macs / 1.8e9 - 1)
    assert row["macs_without_attention"] == 1_773_380_608
    assert row["flops_error_without_attention"] == pytest.approx(1.773380608 / 1.8 - 1)


def test_attention_products_are_products_of_two_things_computed_from_the_image():
    # Stage 4 of vt_r18, L = 16 tokens: values by weights, queries by keys, tokens by weights, both of the projector.
    costs = dict(cost(anchor("vt_r18").spec).breakdown())
    tokenizer, transformer, projector = 16 * 196 * 256, 16 * 16 * (512 + 1024), 2 * 16 * 196 * 512
    assert costs["stage 4 block 1"].attention_macs == tokenizer + transformer + projector
    assert costs["stage 3 block 1"].attention_macs == 0


def test_rows_of_a_family_and_role():
    rows = published_rows("mat", "anchor")
    assert [row["id"] for row in rows] == ["mat_1", "mat_2", "mat_3", "mat_4", "mat_5"]
    with pytest.raises(InputError, match=r"a family is one of ems, .*, peer, but got 'vit'"):
        published_rows("vit")
    with pytest.raises(InputError, match="a role is one of anchor, ablation, peer, but got 'model'"):
        published_rows(role="model")


# The command


def test_json_has_the_shape_that_checks_read(rows):
    document = json.loads(printed("--json"))
    assert document == rows
    for row in document:
        assert row.keys() >= KEYS
        assert row["published"].keys() == FACTS
        assert isinstance(row["note"], str)
    assert json.loads(printed("--family", "peer", "--role", "anchor", "--json")) == []


@pytest.mark.parametrize("width", [100, 120, None])
def test_the_table_shows_every_id_in_full(rows, width):
    lines = table(rows, width)
    assert [line.split()[0] for line in lines] == ["id", *(row["id"] for row in rows)]
    assert max(map(len, lines)) <= (width or 120)
    assert "no attn" in lines[0] and ("CPU ms" in lines[0]) == (width != 100)


def test_a_table_without_rows_is_its_header():
    assert table([]) == [" ".join(HEADER)]


def test_the_text_says_why_and_by_which_convention(rows):
    text = printed("--family", "transcnn")
    assert "1.906   1.8 +5.87%   1.773" in text
    assert "1 FLOP = 1 multiply-add" in text
    assert "no attn: FLOPs without attention products" in text
    assert "vt_r50_adv: no reading of the text" in printed("--role", "anchor")


@pytest.mark.parametrize("name", ["emsnet_xtiny", "vt_r34_adv", "transcnn_small"])
def test_a_reading_that_departs_from_the_text_is_printed(name, capsys):
    from vitspace.cli.anchors import anchors

    anchors(family=None, role="anchor", task="classification", as_json=False)
    out = capsys.readouterr().out
    assert f"\n{name}: " in out and "reproduced*" in next(line for line in out.splitlines() if line.startswith(name))
