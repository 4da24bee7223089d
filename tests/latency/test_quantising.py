"""Int8 of a small network of one convolution, one product and a Relu, which export in no time."""

import importlib
import logging
import os

import numpy as np
import pytest
import torch

from vitspace.latency.backends import onnx_runner, openvino_model, openvino_runner, prepare
from vitspace.latency.photographs import photographs
from vitspace.latency.quantising import float32_onnx, float32_openvino, quantised_onnx, quantised_openvino

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
IMAGES = photographs(32, 32)


def network(batch):
    """[B, 3, 32, 32] -> 5 scores; weights of channels that differ a hundredfold."""
    rng = np.random.default_rng(0)
    gains = np.geomspace(0.01, 1, 8).reshape(8, 1, 1, 1)
    weights = {"conv": rng.standard_normal((8, 3, 3, 3)) * gains, "linear": rng.standard_normal((8, 5))}
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["image", "conv"], ["map"], kernel_shape=[3, 3]),
        node("Relu", ["map"], ["active"]),
        node("GlobalAveragePool", ["active"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"]),
        node("MatMul", ["flat", "linear"], ["scores"]),
    ]
    value = onnx.helper.make_tensor_value_info
    kept = [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    ends = value("image", 1, [batch, 3, 32, 32]), value("scores", 1, [batch, 5])
    graph = onnx.helper.make_graph(nodes, "graph", [ends[0]], [ends[1]], kept)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)


def run(graph, images):
    return np.asarray(onnx_runner(graph.SerializeToString(), images, 1)()[0])


def near(int8, float32):
    return np.abs(int8 - float32).max() / np.abs(float32).max()


@pytest.mark.parametrize("batch", [1, 4, "batch"])
def test_onnx_in_int8_is_near_float32_and_keeps_the_batch(batch):
    before = network(batch)
    kept = before.SerializeToString()
    after = quantised_onnx(before, IMAGES)
    images = IMAGES[: batch if isinstance(batch, int) else 3]
    assert 0 < near(run(after, images), run(before, images)) < 0.05
    assert before.SerializeToString() == kept
    int8 = [each for each in after.graph.initializer if each.data_type == onnx.TensorProto.INT8 and len(each.dims) > 1]
    assert len(int8) == 2 and all(np.abs(onnx.numpy_helper.to_array(each)).max() <= 64 for each in int8)


def test_one_calibration_image_is_enough_for_any_batch():
    before, image = network(4), IMAGES[:1].repeat(4, 1, 1, 1)
    assert near(run(quantised_onnx(before, IMAGES[:1]), image), run(before, image)) < 0.05


def shaped():
    """[batch, 3, 32, 32] -> 5 scores, through a shape that is computed of the batch; the Einsum stays in float32."""
    rng, node, value = np.random.default_rng(0), onnx.helper.make_node, onnx.helper.make_tensor_value_info
    kept = {"conv": rng.standard_normal((8, 3, 32, 32)), "linear": rng.standard_normal((8, 5)), "rate": np.ones((8, 8))}
    kept = {name: array.astype(np.float32) for name, array in kept.items()}
    kept |= {"first": np.array([0]), "rest": np.array([8]), "two": np.array([2])}
    nodes = [
        node("Shape", ["image"], ["shape"]),
        node("Gather", ["shape", "first"], ["batch"], axis=0),
        node("Mul", ["batch", "two"], ["twice"]),
        node("Div", ["twice", "two"], ["again"]),
        node("Concat", ["again", "rest"], ["flat shape"], axis=0),
        node("Conv", ["image", "conv"], ["map"], kernel_shape=[32, 32]),
        node("Reshape", ["map", "flat shape"], ["flat"]),
        node("Mul", ["flat", "flat"], ["squared"]),
        node("Einsum", ["squared", "rate"], ["rated"], equation="ab,bc->ac"),
        node("MatMul", ["rated", "linear"], ["scores"]),
    ]
    ends = value("image", 1, ["batch", 3, 32, 32]), value("scores", 1, ["batch", 5])
    initial = [onnx.numpy_helper.from_array(array, name) for name, array in kept.items()]
    graph = onnx.helper.make_graph(nodes, "graph", [ends[0]], [ends[1]], initial)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=10)


def test_what_stays_in_float32_is_told_of_the_quantised_graph():
    quantised = quantised_onnx(network(1), IMAGES)
    assert float32_onnx(quantised) == {"Relu": 1, "GlobalAveragePool": 1, "Flatten": 1}
    assert float32_onnx(network(1)) == {"Conv": 1, "Relu": 1, "GlobalAveragePool": 1, "Flatten": 1, "MatMul": 1}


def test_arithmetic_of_shapes_is_no_work_in_float32():
    assert float32_onnx(quantised_onnx(shaped(), IMAGES)) == {"Reshape": 1, "Mul": 1, "Einsum": 1}


def test_what_stays_in_float32_is_told_of_an_openvino_model():
    pytest.importorskip("nncf")
    model = openvino_model(shaped().SerializeToString())
    model.reshape([1, 3, 32, 32])
    left = float32_openvino(quantised_openvino(model, IMAGES))
    assert set(left) == {"Reshape", "Multiply", "Einsum"} and left["Reshape"] == left["Einsum"] == 1


def test_openvino_in_int8_is_near_float32_and_prints_and_changes_nothing(capfd, monkeypatch):
    pytest.importorskip("nncf")
    monkeypatch.setenv("NNCF_CI", "mine")
    before, level, loggers = (
        openvino_model(network(1).SerializeToString()),
        logging.root.manager.disable,
        logging.getLoggerClass(),
    )
    after = quantised_openvino(before, IMAGES)
    scores = [np.asarray(openvino_runner(model, IMAGES[:1], 1)()[0]) for model in (after, before)]
    assert 0 < near(*scores) < 0.05
    types = [op.get_type_name() for op in after.get_ops()]
    assert types.count("FakeQuantize") >= 2 and "FakeQuantize" not in [op.get_type_name() for op in before.get_ops()]
    assert not {"Convolution", "FakeQuantize", "Constant"} & set(float32_openvino(after))
    assert (logging.root.manager.disable, logging.getLoggerClass()) == (level, loggers)
    assert capfd.readouterr().out == "" and os.environ["NNCF_CI"] == "mine"


def test_an_openvino_model_of_a_dynamic_batch_is_refused():
    pytest.importorskip("openvino")
    with pytest.raises(ValueError, match=r"quantised for a fixed batch, but got \[\?,3,32,32\]"):
        quantised_openvino(openvino_model(network("batch").SerializeToString()), IMAGES)


@pytest.mark.parametrize(("backend", "module"), [("onnxruntime-int8", "onnxruntime"), ("openvino-int8", "nncf")])
def test_an_int8_backend_exports_once_and_runs(monkeypatch, backend, module):
    pytest.importorskip(module)
    exports, image = [], torch.zeros(2, 3, 32, 32)
    backends = importlib.import_module("vitspace.latency.backends")

    def export(network_, image):
        exports.append(network_)
        return network(len(image))

    monkeypatch.setattr(backends, "onnx_model", export)
    assert np.asarray(prepare(backend, torch.nn.Identity(), image, 1)()[0]).shape == (2, 5) and len(exports) == 1
