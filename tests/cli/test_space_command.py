"""vitspace space show, size, draw and validate."""

import dataclasses
import json
from types import SimpleNamespace

import pytest
from inside import SMALL, vitspace

from vitspace.cli import console, main
from vitspace.cli.space import _print_designs, _values
from vitspace.latency.predictor import LatencyPrediction
from vitspace.spec import Spec
from vitspace.tasks.costs import cost


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    cwd = tmp_path_factory.mktemp("space")
    (cwd / "small.yaml").write_text(SMALL)
    return cwd


def test_a_space_is_shown_counted_and_drawn_from(folder):
    shown = json.loads(vitspace("space", "show", "small.yaml", "--json", cwd=folder).stdout)
    sized = json.loads(vitspace("space", "size", "small.yaml", "--json", cwd=folder).stdout)
    drawn = json.loads(vitspace("space", "draw", "small.yaml", "-n", "5", "--json", cwd=folder).stdout)
    assert shown["designs"] == sized["designs"] == 8
    assert sized["axes"] == len(shown["axes"]) == 4
    assert {row["axis"]: row["values"][0] for row in shown["axes"]}["depth"] == [1, 2]
    assert len({design["id"] for design in drawn}) == 5
    assert all(design["params"] > 0 and design["macs"] > 0 and len(design["stages"]) == 4 for design in drawn)


def test_more_designs_than_there_are_is_a_warning_and_all_of_them(folder):
    done = vitspace("space", "draw", "small.yaml", "-n", "20", cwd=folder)
    assert "space small has only 8 such designs" in done.stderr
    assert len(done.stdout.splitlines()) == 1 + 8


def test_a_bad_file_is_one_line(folder):
    (folder / "bad.yaml").write_text(SMALL.replace("depth", "deep"))
    done = vitspace("space", "validate", "bad.yaml", cwd=folder, check=2)
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    done = vitspace("space", "size", "small.yaml", "--budget", "1K..2K", cwd=folder)
    assert "0 distinct designs" in done.stdout


def test_a_latency_backend_without_a_latency_is_refused(folder):
    done = vitspace("space", "draw", "small.yaml", "--latency-backend", "onnxruntime", cwd=folder, check=2)
    assert "--latency-backend belongs to --latency, but got --latency-backend onnxruntime alone" in done.stderr


def test_designs_drawn_within_a_latency_tell_it_and_what_it_is_worth(folder, monkeypatch):
    def predict(spec):
        return LatencyPrediction(10.0 + spec.stages[0].depth, 0.2, 1.0, 40, "msg", "", 50.0)

    monkeypatch.setattr("vitspace.latency.gate.HostPredictor.here", lambda settings: predict)
    args = ["space", "draw", "small.yaml", "-n", "2", "--latency", "11.5ms"]
    done = vitspace(*args, cwd=folder)
    assert "predicted ms" in done.stdout.splitlines()[0] and done.stdout.splitlines()[1].count(" 11.0 ") == 1
    assert done.stdout.splitlines()[-1] == "predicted ms: 95 % of 40 held-out designs (msg) are within 20%"
    assert {row["predicted_ms"] for row in json.loads(vitspace(*args, "--json", cwd=folder).stdout)} == {11.0}
    refused = vitspace("space", "draw", "small.yaml", "--latency", "..5ms", cwd=folder, check=2)
    assert "predicted latency (11.0 to 12.0 ms) 0 % (0 of 8)" in refused.stderr


def test_what_is_piped_is_not_cut(folder, monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    names = ["transcnn", "partial", "transcnn", "partial"]
    shapes = [dataclasses.make_dataclass("Shape", ["family", "dim", "depth"]) for _ in names]
    stages = [shape(name, 64 << i, 1) for i, (shape, name) in enumerate(zip(shapes, names, strict=True))]
    spec = SimpleNamespace(family="hybrid", stages=stages, stem=stages[0], head=stages[0])
    _print_designs([{"id": "5eec0f496d46", "params": 7793000, "macs": 80560000}], [spec])
    [_, design] = capsys.readouterr().out.splitlines()
    assert design.startswith("hybrid-7.8M-5eec") and ",".join(names) in design and "64,128,256,512" in design


def test_drawn_designs_show_what_differs_between_them(folder):
    """Every setting that two of them have at different values, and none that all have alike."""
    for seed in range(3):
        done = vitspace("space", "draw", "small.yaml", "-n", "3", "--seed", str(seed), cwd=folder)
        rows = json.loads(
            vitspace("space", "draw", "small.yaml", "-n", "3", "--seed", str(seed), "--json", cwd=folder).stdout
        )
        names = rows[0]["stages"][0].keys() - {"family", "dim", "depth"}
        differing = {n for n in names if len({str([stage[n] for stage in row["stages"]]) for row in rows}) > 1}
        shown = set(done.stdout.splitlines()[0].split())
        assert shown == {"design", "params", "FLOPs", "dim", "depth"} | differing


def test_validate_names_values_that_no_design_has(folder):
    wide = SMALL.replace("values: [8, 16]", "values: [8, 12, 16]")  # 12 is not divided by a head of 8
    (folder / "head.yaml").write_text(wide)
    found = json.loads(vitspace("space", "validate", "head.yaml", "--json", cwd=folder).stdout)
    assert {(value["axis"], value["value"]) for value in found["absent"]} == {("dim", 12)}
    for value in found["absent"]:
        assert value.keys() == {"axis", "stage", "value", "why"} and value["why"]
    lines = vitspace("space", "validate", "head.yaml", cwd=folder).stdout.splitlines()
    assert len(lines) == 1 + len(found["absent"]) and "valid, " in lines[0]


def test_a_space_is_shown_without_cuts_where_it_is_piped(folder, monkeypatch, capsys):
    rule = f"mlp_ratio in ({', '.join(map(str, range(1, 60)))})"
    (folder / "ruled.yaml").write_text(f"{SMALL}rules: ['{rule}']")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.argv", ["vitspace", "space", "show", "ruled.yaml"])
    with pytest.raises(SystemExit):
        main()
    assert f"rule: {rule}" in capsys.readouterr().out.splitlines()


def test_a_width_that_the_user_set_is_kept_to(folder, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    made = console()
    assert made.width == 40 and not made.is_terminal
    monkeypatch.delenv("COLUMNS")
    assert console().width > 1000


def test_lists_that_differ_by_stage_name_their_stages():
    assert _values([[1, 2], [1, 2]]) == "1, 2"
    assert _values([[], [1], [2, 4], [1]]) == "1: -\n2, 4: 1\n3: 2, 4"


def test_a_task_counts_whole_networks(folder):
    task = ["--task", "semantic-fpn", "--img-size", "64", "--json"]
    sized = json.loads(vitspace("space", "size", "small.yaml", *task, cwd=folder).stdout)
    assert (sized["task"], sized["img_size"], sized["designs"]) == ("semantic-fpn", 64, 8)
    none = json.loads(vitspace("space", "size", "small.yaml", *task, "--budget", "10M", cwd=folder).stdout)
    assert none["designs"] == 0
    [row] = json.loads(vitspace("space", "draw", "small.yaml", "-n", "1", *task, cwd=folder).stdout)
    spec = Spec.from_dict({key: row[key] for key in ("stem", "stages", "head")})
    assert row["macs"] == cost(spec, 64, task="semantic-fpn").macs
    shown = vitspace("space", "draw", "small.yaml", "-n", "1", *task[:-1], cwd=folder).stdout.splitlines()
    title = "1 design of small for semantic-fpn at 64 px, 150 classes, whole networks"
    assert shown[0] == title and shown[1].startswith("design")
    done = vitspace("space", "size", "small.yaml", "--task", "fpnn", cwd=folder, check=2)
    assert "did you mean fpn?" in done.stderr


def test_several_sizes_of_image_are_counted_and_drawn_from(folder):
    sizes = ["--img-size", "96,64x96"]
    sized = json.loads(vitspace("space", "size", "small.yaml", *sizes, "--json", cwd=folder).stdout)
    assert (sized["designs"], sized["img_size"]) == (16, None)
    assert sized["sizes"] == [{"img_size": 96, "designs": 8}, {"img_size": [64, 96], "designs": 8}]
    assert (
        "small at 96 px (8), 64x96 px (8): 16 distinct"
        in vitspace("space", "size", "small.yaml", *sizes, cwd=folder).stdout
    )
    drawn = json.loads(vitspace("space", "draw", "small.yaml", "-n", "16", *sizes, "--json", cwd=folder).stdout)
    assert sorted(str(design["img_size"]) for design in drawn) == ["96"] * 8 + ["[64, 96]"] * 8
    assert len({design["id"] for design in drawn}) == 16
    shown = vitspace("space", "draw", "small.yaml", *sizes, cwd=folder).stdout.splitlines()
    assert shown[0].split()[1] == "image" and {line.split()[1] for line in shown[1:]} == {"96", "64x96"}


def test_a_list_of_sizes_is_refused_where_one_is_taken(folder):
    done = vitspace(
        "space", "compare", "small.yaml", "msg", "--budget", "1G", "--img-size", "64,96", cwd=folder, check=2
    )
    assert "a list of image sizes is for search, space size and space draw, but got '64,96'" in done.stderr
