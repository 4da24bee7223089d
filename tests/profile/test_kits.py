"""Kits: their designs, their files, and one that is timed by its script without torch, and searched for."""

import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

import vitspace
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.latency.devices import add_device, kits_folder
from vitspace.latency.kit import read_kit
from vitspace.profile import kit as making
from vitspace.profile.kit import KitRequest, kit_designs, make_kit
from vitspace.profile.pooled import WeightPool
from vitspace.space import load_space

#: Twelve designs that are exported in seconds.
AXES = {"dim": {"values": [8, 16], "scale": [1, 2, 4, 8]}, "depth": [1, 2, 3], "head_dim": [8], "mlp_ratio": [1, 2]}
#: What onnxruntime brings, and nothing else.
NEEDED = ("onnxruntime", "numpy", "flatbuffers", "protobuf", "packaging")


@pytest.fixture(autouse=True)
def devices(tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_DEVICES", str(tmp_path / "devices"))


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({"family": "msg", "resolution": 64, "axes": AXES}))
    return str(path)


def model(*tensors):
    """A network that adds what it is given to each image's mean."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 64, 64])
    sizes = [helper.make_node("ReduceMean", [name], [f"{name}_mean"], keepdims=0) for name, _ in tensors]
    total = helper.make_node("Sum", [f"{name}_mean" for name, _ in tensors], ["scores"])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [])
    kept = [numpy_helper.from_array(values, name) for name, values in tensors]
    graph = helper.make_graph([*sizes, total], "graph", [image], [scores], kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def values(size, scale=0.02, seed=0):
    return (np.random.default_rng(seed).standard_normal(size) * scale).astype(np.float32)


def test_random_weights_lie_in_files_that_networks_share(tmp_path):
    import onnxruntime

    pool = WeightPool()
    table, small = np.repeat(values(64), 128), values(100)
    for number in range(3):
        made = model(("a", values(90_000)), ("b", values(70_000, seed=1)), ("table", table), ("small", small))
        pool.take(made)
        (tmp_path / f"{number}.onnx").write_bytes(made.SerializeToString())
    files = pool.write(tmp_path)
    assert files == ["weights-6.bin"]
    size = (tmp_path / files[0]).stat().st_size
    assert 160_000 * 4 <= size < 160_000 * 4 + 8192 and (tmp_path / "0.onnx").stat().st_size < 50_000
    found = np.fromfile(tmp_path / files[0], np.float32)
    assert found.std() == pytest.approx(2.0**-6, rel=0.02)
    session = onnxruntime.InferenceSession(str(tmp_path / "0.onnx"), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"image": np.zeros((1, 3, 64, 64), np.float32)})
    assert scores == pytest.approx(table.mean() + small.mean(), abs=1e-3)


def test_a_kit_holds_anchors_and_draws_of_all_sizes(tmp_path):
    specs = kit_designs(load_space("msg"), KitRequest("msg", 12, tmp_path, "..4G"))
    macs = [cost(spec).macs for spec in specs]
    assert len(set(specs)) == 12 and max(macs) <= 4e9 and min(macs) < 1.5e9
    assert vitspace.anchor("msg_tiny").spec in specs
    assert macs != sorted(macs)


@pytest.fixture
def exported(monkeypatch):
    """Networks are exported as the same few numbers."""
    monkeypatch.setattr(making, "onnx_model", lambda network, image: model(("a", values(9000))))


def test_a_kit_lists_its_files_by_digest_and_is_kept(small, exported, tmp_path):
    made = make_kit(KitRequest(small, 10, tmp_path / "kit"))
    names = {path.name for path in (tmp_path / "kit").iterdir()}
    assert names == {
        *("kit.json", "time_kit.py", "reference.onnx", "weights-6.bin"),
        *(each["file"] for each in made["networks"]),
    }
    kit = read_kit(tmp_path / "kit")
    assert (kit.id, kit.img_size, len(kit.specs)) == (made["kit"], 64, 10)
    assert read_kit(kits_folder() / f"{kit.id}.json") == kit
    with pytest.raises(InputError, match="is there and not empty"):
        make_kit(KitRequest(small, 10, tmp_path / "kit"))


def test_a_kit_is_of_the_size_of_image_that_is_asked(small, exported, tmp_path):
    made = make_kit(KitRequest(small, 10, tmp_path / "kit", img_size=(64, 96)))
    assert read_kit(tmp_path / "kit").img_size == (64, 96)
    assert (
        made["networks"][0]["macs"]
        == cost(read_kit(tmp_path / "kit").specs[made["networks"][0]["file"]], (64, 96)).macs
    )


def test_too_small_a_kit_is_refused(small, tmp_path):
    with pytest.raises(InputError, match="10 designs or more, but got -n 9"):
        make_kit(KitRequest(small, 9, tmp_path / "kit"))
    assert not (tmp_path / "kit").exists()


@pytest.fixture
def without_torch(tmp_path):
    """Runs a Python file where only onnxruntime, and what that needs, is installed."""
    site = tmp_path / "site"
    site.mkdir()
    for name in NEEDED:
        for file in distribution(name).files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    start = "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:]; "
    run_it = "runpy.run_path(sys.argv[0], run_name='__main__')"
    check = "import importlib.util as u; assert not u.find_spec('torch') and not u.find_spec('vitspace'); "

    def run(*args):
        command = [sys.executable, "-I", "-S", "-c", start + check + run_it, str(site), *map(str, args)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    return run


@pytest.mark.slow
def test_a_kit_is_timed_without_torch_gone_on_with_imported_and_searched_for(small, without_torch, tmp_path):
    make_kit(KitRequest(small, 10, tmp_path / "kit"))
    script, results = tmp_path / "kit" / "time_kit.py", tmp_path / "kit" / "results.csv"
    assert without_torch(script, "--seconds", "2").returncode == 0
    lines = results.read_text().splitlines(keepends=True)
    assert len(lines) == 11
    results.write_text("".join(lines[:8])[:-9])  # as a cut cable leaves it
    again = without_torch(script, "--seconds", "2")
    assert again.returncode == 0, again.stderr
    assert "10 networks, 6 timed before" in again.stderr and results.read_text().startswith("".join(lines[:7]))
    made = add_device("board", results)
    assert len(made.times) == 10 and made.held_out["median"] < 0.5
    found = vitspace.search(
        **{"space": small, "latency": "board:10s", "proxy": "params", "accuracy": "proxy", "trials": 3, "workers": 0},
        storage=str(tmp_path / "s.journal"),
        out=tmp_path / "report",
    )
    assert {trial.latency["device"] for trial in found.record.completed} == {"board"}
    assert "Latency predicted for board" in json.dumps((tmp_path / "report" / "index.html").read_text())
