"""vitspace supernet, and a search with what it trained, as a user runs them."""

import json

import pytest

SPACE = """
family: mat
resolution: 64
axes:
  head.width: [32]
  dim: {values: [8, 16], scale: [1, 2, 2, 4]}
  depth: {each: [1, 2]}
  mixer: {each: [none]}
"""
RECIPE = "tiny,img_size=32,steps=2,warmup=1,batch_size=8,max_train=40,max_val=16"
TRAIN = ("--space", "small.yaml", "--data", "fractal:3", "--recipe", RECIPE, "--device", "cpu", "--out", "net")


@pytest.fixture
def trained(call, tmp_path):
    (tmp_path / "small.yaml").write_text(SPACE)
    code, out, err = call("supernet", "train", *TRAIN)
    assert code == 0, err
    return out, err


def test_shared_weights_are_trained_shown_and_used(call, trained, tmp_path):
    out, err = trained
    assert "M weights of space small, trained on 40 images of fractal:3 at 32 px: 2 of 2 steps of 8 images" in out
    assert "largest design" in out and "next: vitspace search --space small.yaml --proxy supernet:net" in out
    assert "s a step, about" in err
    code, shown, _ = call("supernet", "show", "net")
    assert code == 0 and shown == out
    facts = json.loads(call("supernet", "show", "net", "--json")[1])
    assert facts["done"] == 2 and facts["ends"].keys() == {"smallest", "largest"}
    code, found, err = call("space", "axes", "small.yaml", "-n", "8", "--proxy", "supernet:net", "--json")
    assert code == 0, err
    assert {axis["axis"] for axis in json.loads(found)["axes"]} >= {"dim", "depth.1"}


@pytest.mark.parametrize("saved", [True, False])
def test_an_interrupted_training_is_resumed_only_where_it_was_saved(call, monkeypatch, tmp_path, saved):
    def interrupted(request, monitor):
        if saved:
            request.out.mkdir()
            (request.out / "state.safetensors").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("vitspace.supernet.train", interrupted)
    err = call("supernet", "train", *TRAIN)[2]
    assert "to go on:" in err and ("--resume" in err) == saved


@pytest.mark.parametrize("rank", [0, 1])
def test_under_torchrun_the_first_process_speaks(call, monkeypatch, rank):
    commands = []

    def run(request, monitor):
        commands.append(request.command)
        monitor.note("on its way")
        return {"recipe": {}, "budget": "", "steps": 2}

    monkeypatch.setattr("vitspace.supernet.train", run)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", str(rank))
    code, out, err = call("supernet", "train", *TRAIN, "--json")
    assert code == 0 and (out == "", err == "") == (bool(rank), bool(rank))
    assert commands[0].startswith("torchrun --nproc-per-node 2 -m vitspace supernet train --space small.yaml")


@pytest.mark.parametrize("rank", [0, 1])
def test_under_torchrun_the_first_process_of_a_machine_says_what_is_wrong(call, monkeypatch, rank):
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    code, _, err = call("supernet", "show", "none")
    assert code == 2 and err.count("error: ") == 1 - rank


def test_the_proxy_is_refused_for_another_space(call, trained):
    code, _, err = call("search", "--space", "mat", "--budget", "100M", "--proxy", "supernet:net", "--trials", "40")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and "shared by designs of space small, but" in errors[0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", *TRAIN, "--budget", "1"], "no design of small fits"),
        (["train", *TRAIN, "--resume"], "has none"),
        (["show", "none"], "'none' holds none"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(call, tmp_path, args, message):
    (tmp_path / "small.yaml").write_text(SPACE)
    code, out, err = call("supernet", *args)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and message in errors[0] and out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]
