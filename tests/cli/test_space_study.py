"""vitspace space compare and axes as a user runs them."""

import json

import pytest
from inside import SMALL, vitspace

from vitspace.cli.space import group

LARGE = SMALL.replace("[8, 16]", "[56, 64]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    cwd = tmp_path_factory.mktemp("spaces")
    (cwd / "small.yaml").write_text(SMALL)
    (cwd / "large.yaml").write_text(LARGE)
    return cwd


def compare(folder, *options, check=0):
    args = ["--budget", "1M..60M", "-n", "8", "--proxy", "slog", *options]
    return vitspace("space", "compare", "small.yaml", "large.yaml", *args, cwd=folder, check=check)


def test_a_comparison_leaves_figure_and_tables(folder):
    done = compare(folder, "--out", "compared")
    made = {path.name for path in (folder / "compared").iterdir()}
    figures = {"distributions.png", "distributions.pdf"}
    assert made == {"comparison.csv", "comparison.md", "scores.csv", "report.md"} | figures
    assert "band: FLOPs 1M..60M" in done.stderr and done.stderr.count("stacks layers or params") == 1
    text = (folder / "compared" / "report.md").read_text()
    assert "vitspace space compare small.yaml large.yaml" in text and "No accuracy was measured" in text


def test_a_space_without_designs_in_the_band_is_listed(folder):
    data = json.loads(compare(folder, "--json").stdout)
    small, large = data["spaces"]
    assert small["drawn"] == 8 and small["median"] > 0 and not small["why"]
    assert large["designs"] == large["drawn"] == 0 and "no design of large fits: the smallest costs" in large["why"]
    assert data["band"] == [1e6, 6e7] and data["report"] is None


@pytest.mark.parametrize("command", group.registered_commands, ids=lambda command: command.callback.__name__)
def test_every_command_and_option_has_help(command):
    assert command.callback.__doc__
    assert all(option.help for option in command.callback.__wrapped__.__defaults__)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["compare", "small.yaml", "small.yaml", "--budget", "1G"], "each space is compared once"),
        (["compare", "smal", "--budget", "1G"], "spaces are"),
        (["compare", "small.yaml", "--budget", "1X"], "a quantity is a positive number"),
        (["compare", "small.yaml", "--budget", "1G", "--proxy", "luck"], "a proxy is one of halving, supernet, train"),
        (["axes", "small.yaml", "--budget", "90G..91G"], "no design of small fits: the largest costs"),
        (["axes", "nothing"], "there is no file 'studies.journal'"),
    ],
)
def test_bad_input_is_one_line(folder, args, message):
    done = vitspace("space", *args, cwd=folder, check=2)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0] and "Traceback" not in done.stderr


def test_axes_of_a_space(folder):
    data = json.loads(vitspace("space", "axes", "small.yaml", "--proxy", "params", "--json", cwd=folder).stdout)
    assert data["designs"] == 8 and {row["axis"] for row in data["axes"]} == {"dim", "depth", "mlp_ratio"}
    assert {"axis", "value", "designs", "mean", "low", "high", "score"} == set(data["values"][0])


def test_axes_of_a_study(folder):
    options = ["--space", "small.yaml", "--proxy", "slog", "--trials", "8", "--study", "all-3.5G"]
    vitspace("search", *options, cwd=folder)
    done = vitspace("space", "axes", "all-3.5G", cwd=folder)
    assert "8 designs, 0 left out" in done.stdout and "effects are biased" in done.stdout
    made = {path.name for path in (folder / "reports" / "axes" / "all-3.5G").iterdir()}
    assert {"axes.csv", "axes.md", "values.csv", "axes.png", "report.md"} <= made
    given = ["--n", "20", "--data", "digits", "--seed", "1", "--device", "cpu"]
    refused = vitspace("space", "axes", "all-3.5G", *given, cwd=folder, check=2)
    assert "a study has its designs and scores, but got --n, --data, --seed, --device beside it" in refused.stderr


def test_an_open_band_is_json(folder):
    data = json.loads(compare(folder, "--budget", "1M..", "--json").stdout, parse_constant=pytest.fail)
    assert data["band"] == [1e6, None]
