"""vitspace.compare_spaces, as Python calls it."""

import pytest
import yaml

import vitspace
from vitspace.analysis.scoring import Scorer
from vitspace.errors import InputError

SLOG = vitspace.Scoring("slog")


@pytest.fixture
def files(small, tmp_path):
    """Two space files: one of 12 designs, one whose smallest is larger than them."""
    axes = {"dim": {"values": [16, 32], "scale": [1, 2, 4, 8]}, "depth": [1, 2, 3], "head_dim": [16], "mlp_ratio": [1]}
    paths = []
    for name, dims in (("narrow", [16, 32]), ("wide", [64])):
        axes["dim"]["values"] = dims
        paths.append(str(tmp_path / f"{name}.yaml"))
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"family": "msg", "axes": axes}))
    return paths


def test_each_space_is_a_row(files):
    found = vitspace.compare_spaces(files, "1M..3G", 4, SLOG)
    assert [*found.table["space"]] == ["narrow", "wide"] and found.table["drawn"].eq([4, 3]).all()
    assert found.folder is None and found.to_json()["band"] == [1e6, 3e9]


def test_a_budget_limits_params_too(files):
    found = vitspace.compare_spaces(files, vitspace.Budget.parse("1M..3G", "1M"), 4, SLOG)
    assert (found.table["params_m"].dropna() <= 1).all()


def test_a_folder_names_the_call(files, tmp_path):
    vitspace.compare_spaces(files, "1M..3G", 4, SLOG, tmp_path / "out", "my call")
    assert "```\nmy call\n```" in (tmp_path / "out" / "report.md").read_text()


def test_progress_is_told_of_every_design(files):
    told = []

    def track(items, description):
        for item in items:
            yield item
            told.append(description)

    vitspace.compare_spaces(files, "1M..3G", 4, SLOG, track=track)
    assert told == ["scoring designs"] * 7


def test_a_space_is_named_once(files):
    with pytest.raises(InputError, match="each space is compared once"):
        vitspace.compare_spaces([files[0], files[0]], "1G")


def test_a_stop_says_how_many_scores_are_kept(files, monkeypatch, caplog):
    def stop(self, spec, resolution, written, costs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Scorer, "score", stop)
    with pytest.raises(KeyboardInterrupt):
        vitspace.compare_spaces(files, "1M..3G", 4, SLOG)
    assert "0 of 7 scores are kept" in caplog.text


def test_spaces_are_compared_at_the_cost_of_a_tasks_whole_network(files, tmp_path):
    band, size = "1M..3G", (64, 64)
    found = vitspace.compare_spaces(files[:1], band, 4, SLOG, tmp_path / "out", img_size=size, task="semantic-fpn")
    [sample] = found.samples
    assert [each.macs for each in sample.scored] == [
        vitspace.cost(each.spec, size, task="semantic-fpn").macs for each in sample.scored
    ]
    assert (found.to_json()["task"], found.to_json()["img_size"]) == ("semantic-fpn", 64)
    assert "for semantic-fpn at 64 px, 150 classes" in (tmp_path / "out" / "report.md").read_text()
