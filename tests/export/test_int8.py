"""Formats in int8: their files, what is compared, and what is refused."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from vitspace.design import Design
from vitspace.errors import FailureError, InputError
from vitspace.export import ExportedModel, ExportRequest, choose_formats, export_design, export_folder, parity_images
from vitspace.export.formats import DEFAULT_FORMATS, FORMATS, GRAPHS, Written
from vitspace.export.int8 import cosines
from vitspace.latency.backends import lacking

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
INT8 = ["onnx-int8", "openvino-int8"]


class Small(torch.nn.Module):
    """5 scores: means of a convolution."""

    num_classes = 5

    def __init__(self):
        super().__init__()
        weight = torch.randn(5, 3, 1, 1, generator=torch.Generator().manual_seed(0))
        self.weight = torch.nn.Parameter(weight)

    def forward(self, images):
        return torch.nn.functional.conv2d(images, self.weight).mean((2, 3))


@pytest.fixture
def model(spec, weights):
    """A trained model whose network is exported at once."""
    made = replace(ExportedModel.of(Design("d", spec), weights / "best.safetensors"), network=Small().eval())
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [node("Conv", ["image", "weight"], ["map"], kernel_shape=[1, 1])]
    nodes.append(node("ReduceMean", ["map"], ["scores"], axes=[2, 3], keepdims=0))
    kept = [onnx.numpy_helper.from_array(made.network.weight.detach().numpy(), "weight")]
    ends = [value("image", 1, ["batch", 3, 64, 64])], [value("scores", 1, ["batch", 5])]
    graph = onnx.helper.make_graph(nodes, "graph", *ends, kept)
    vars(made)["onnx"] = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)
    return made


@pytest.fixture(params=INT8)
def name(request):
    backend = request.param.replace("onnx-", "onnxruntime-")
    if lack := lacking(backend):
        pytest.skip(lack)
    return request.param


def test_a_file_in_int8_is_compared_with_float32_and_the_card_says_so(model, name, tmp_path, caplog):
    caplog.set_level("INFO")
    record = export_folder(model, ["spec", name], tmp_path / "out")
    found = record["int8"][name]
    assert 0.98 < found["cosine_least"] <= found["cosine"] < 1 and found["same_top1"] >= 0.5
    assert (found["images"], found["calibration_images"], record["parity"]) == (6, 6, {})
    assert found["ms"] > 0 and found["float32_ms"] > 0 and found["float32_operators"]["ReduceMean"] == 1
    sizes = [path.stat().st_size for path in (tmp_path / "out").glob("model-int8.*")]
    assert found["size_bytes"] == sum(sizes) and found["float32_size_bytes"] > 0
    text = (tmp_path / "out" / "README.md").read_text()
    assert "## Int8 beside float32" in text and "In float32 stay" in text and f"({found['cosine_least']:.4f})" in text
    assert json.loads((tmp_path / "out" / "export.json").read_text())["int8"][name] == found
    assert "in float32 stay" in caplog.text and "ReduceMean (1)" in caplog.text
    assert "int8 takes its ranges from 32 images or more, but got 6 images (crops of" in caplog.text
    assert "--data names yours" in caplog.text


def test_ranges_are_of_training_images_and_scores_of_validation_images(model, tmp_path, caplog):
    shown = parity_images(model, "digits", 40, calibrate=True)
    assert (
        shown.calibration.source.endswith("of the training images of digits")
        and 1 < len(shown.calibration.images) <= 40
    )
    assert parity_images(model, "digits", 40).calibration is None
    record = export_folder(model, ["onnx-int8"], tmp_path / "out", shown=shown)
    found = record["int8"]["onnx-int8"]
    assert found["calibration_images"] == len(shown.calibration.images) and found["images"] == 39
    assert "training images of digits" in found["calibration_source"] and "usual" not in caplog.text


def test_few_calibration_images_are_said_to_be_few(model, tmp_path, caplog):
    shown = parity_images(model, "digits", 1, calibrate=True)
    export_folder(model, ["onnx-int8"], tmp_path / "out", shown=shown)
    assert "32 images or more, but got 1 image" in caplog.text and "--images asks for more" in caplog.text


def test_few_calibration_images_are_said_once(model, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("vitspace.export.folder._written", lambda *_: Written({}))
    monkeypatch.setattr("vitspace.export.folder.card", lambda *_: "")
    export_folder(model, ["onnx", *INT8], tmp_path / "out")
    assert caplog.text.count("int8 takes its ranges from") == 1
    export_folder(model, ["onnx"], tmp_path / "float32")
    assert caplog.text.count("int8 takes its ranges from") == 1


def test_the_data_of_a_request_calibrates(spec, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("vitspace.export.run.parity_images", lambda model, *args: asked.append(args))
    monkeypatch.setattr("vitspace.export.run.export_folder", lambda *args: {})
    for formats in (["onnx"], ["onnx-int8"]):
        export_design(ExportRequest(Design("d", spec), formats, data="digits", images=7, out=tmp_path / "out"))
    assert asked == [("digits", 7, False), ("digits", 7, True)]


def test_a_network_that_cannot_be_quantised_is_named(model, tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("no int8 kernel of Mystery")

    monkeypatch.setattr("vitspace.export.int8.quantised_onnx", fails)
    with pytest.raises(FailureError, match=r"d cannot be converted to onnx-int8 at 64 px: no int8 kernel of Mystery;"):
        export_folder(model, ["onnx-int8"], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_scores_that_are_no_numbers_are_no_export(model, tmp_path, monkeypatch):
    nothing = np.full((6, 5), np.nan, np.float32)
    monkeypatch.setattr("vitspace.export.int8.scores", lambda *_: (nothing, nothing))
    with pytest.raises(FailureError, match="scores are finite, but of d in int8 onnxruntime"):
        export_folder(model, ["onnx-int8"], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_int8_is_written_where_it_is_named_only(monkeypatch):
    monkeypatch.setattr("vitspace.export.formats.lacking", lambda backend: "")
    assert choose_formats([])[0] == ["spec", "timm", "onnx", "openvino"] == list(DEFAULT_FORMATS)
    assert GRAPHS == ("onnx", "openvino") and list(FORMATS) == [*DEFAULT_FORMATS, *INT8]
    assert choose_formats(["openvino-int8"]) == (["spec", "openvino-int8"], {})
    lack = "nncf: pip install 'vitspace[nncf]'"
    monkeypatch.setattr("vitspace.export.formats.lacking", lambda backend: lack if backend == INT8[1] else "")
    with pytest.raises(InputError, match=r"format 'openvino-int8' needs nncf: pip install 'vitspace\[nncf\]'"):
        choose_formats(["onnx", "openvino-int8"])
    assert choose_formats([])[1] == {}


def test_cosines_are_of_each_image():
    scores = np.array([[1.0, 0.0], [1.0, 1.0]], np.float32)
    assert cosines(scores, np.array([[2.0, 0.0], [1.0, -1.0]], np.float32)) == pytest.approx([1, 0])


#: Makes and frees models, and takes a signal then, as a loader of torch does.
SIGNALS = """
import gc, signal, subprocess, sys
import torch
from vitspace.latency.backends import openvino_model, openvino_runner
from vitspace.latency.quantising import quantised_openvino
signal.signal(signal.SIGCHLD, lambda *_: None)
model, image = openvino_model(open(sys.argv[1], "rb").read()), torch.zeros(1, 3, 64, 64)
model.reshape([1, 3, 64, 64])
for each in (quantised_openvino(model, image), model):
    openvino_runner(each, image, 1)()
del model, each
gc.collect()
subprocess.run([sys.executable, "-c", ""], check=True)
print("alive")
"""


def test_a_process_outlives_its_openvino_models(model, tmp_path):
    pytest.importorskip("nncf")
    (tmp_path / "model.onnx").write_bytes(model.onnx.SerializeToString())
    command = [sys.executable, "-c", SIGNALS, str(tmp_path / "model.onnx")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
