"""Int8 by static quantisation: ONNX graphs by onnxruntime, OpenVINO models by NNCF.

Products and convolutions take 8-bit integers: weights are rounded per output channel, activations per tensor, to the
ranges that calibration images show (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2018). Weights of ONNX graphs keep to 7 bits, since CPUs without VNNI add two
products in 16 bits, where 8 would overflow.
"""

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

#: Operators of ONNX graphs that are quantised.
ONNX_INT8 = ("Conv", "ConvTranspose", "Gemm", "MatMul")
#: Operators that are no work, of ONNX graphs and of OpenVINO models.
_NO_ONNX_WORK = {"Constant", "DequantizeLinear", "QuantizeLinear"}
_NO_OPENVINO_WORK = {"Convert", "FakeQuantize", "Parameter", "Result"}
#: Makes NNCF send nothing to its makers' statistics, which it does otherwise.
_NO_TELEMETRY = "NNCF_CI"


def quantised_onnx(model: Any, images: Tensor) -> Any:
    """Quantise an ONNX model; one whose batch is dynamic keeps that.

    Args:
        model: The ``onnx.ModelProto``, in float32; it is left as it is.
        images: Calibration images, float32 [N, 3, H, W].
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    batches = _batches(images, model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or 1)
    feeds = ({model.graph.input[0].name: batch.numpy()} for batch in batches)
    with tempfile.TemporaryDirectory(prefix="vitspace-int8-") as folder, _quiet():
        before, ready, after = (Path(folder) / f"{name}.onnx" for name in ("before", "ready", "after"))
        onnx.save(model, before)
        quant_pre_process(before, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            after,
            _reader(feeds),
            QuantFormat.QDQ,
            op_types_to_quantize=list(ONNX_INT8),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(after)


def quantised_openvino(model: Any, images: Tensor) -> Any:
    """Quantise an OpenVINO model of a fixed batch: with a dynamic one OpenVINO 2026.4 cannot compile the result.

    Args:
        model: The ``openvino.Model``, in float32; it is left as it is.
        images: Calibration images, float32 [N, 3, H, W].

    Raises:
        ValueError: the batch is dynamic.
    """
    shape = model.input(0).get_partial_shape()
    if shape.is_dynamic:
        raise ValueError(f"an OpenVINO model is quantised for a fixed batch, but got {shape}")
    batches = [batch.numpy() for batch in _batches(images, shape[0].get_length())]
    with _quiet():
        nncf = _nncf()
        kind, images_at_once = nncf.ModelType.TRANSFORMER, nncf.Dataset(batches)
        return nncf.quantize(model, images_at_once, model_type=kind, subset_size=len(batches))


def float32_onnx(quantised: Any) -> dict[str, int]:
    """Count the operators of a quantised ONNX model that put out floats of inputs in float32, the most frequent first.

    Those of `ONNX_INT8` that read what is dequantised are run in int8; shapes and indices are integers.
    """
    import onnx

    graph = onnx.shape_inference.infer_shapes(quantised).graph
    integers = {
        value.name
        for value in (*graph.value_info, *graph.output)
        if value.type.tensor_type.elem_type not in (onnx.TensorProto.UNDEFINED, onnx.TensorProto.FLOAT)
    }
    dequantised = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    types = Counter(
        node.op_type
        for node in graph.node
        if node.op_type not in _NO_ONNX_WORK
        and node.output[0] not in integers
        and not (node.op_type in ONNX_INT8 and dequantised.intersection(node.input))
    )
    return dict(types.most_common())


def float32_openvino(quantised: Any) -> dict[str, int]:
    """Count the operators of a quantised OpenVINO model that stay in float32, the most frequent first.

    Those that read a quantised input, or weights of 8 bits, are run in int8. What is computed of constants alone is
    done once, when the model is compiled; shapes and indices are integers.
    """
    types: Counter[str] = Counter()
    constants: dict[str, bool] = {}  # by name, whether they are quantised
    for op in quantised.get_ordered_ops():
        kind, read = op.get_type_name(), [each.get_source_output().get_node() for each in op.inputs()]
        in_8_bits = any(each.get_type_name() == "FakeQuantize" or constants.get(each.get_name()) for each in read)
        if kind == "Constant":
            constants[op.get_name()] = op.get_output_element_type(0).get_type_name() in ("i8", "u8")
        elif read and all(each.get_name() in constants for each in read):
            constants[op.get_name()] = in_8_bits or kind == "FakeQuantize"
        elif kind not in _NO_OPENVINO_WORK and op.get_output_element_type(0).is_real() and not in_8_bits:
            types[kind] += 1
    return dict(types.most_common())


def _batches(images: Tensor, size: int) -> Iterator[Tensor]:
    """Yield batches of a size; images are repeated until they fill the last."""
    whole = -(-len(images) // size) * size
    yield from images.repeat(-(-whole // len(images)), 1, 1, 1)[:whole].split(size)


def _reader(feeds: Iterator[dict[str, Any]]) -> Any:
    """Return what onnxruntime reads calibration images from."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, Any] | None:
            return next(feeds, None)

    return Reader()


def _nncf() -> Any:
    """Import NNCF without what its import changes: the class of all loggers, and statistics that it would send."""
    before, logger = os.environ.get(_NO_TELEMETRY), logging.getLoggerClass()
    os.environ[_NO_TELEMETRY] = "1"
    try:
        nncf = import_module("nncf")
    finally:
        logging.setLoggerClass(logger)
        if before is None:
            del os.environ[_NO_TELEMETRY]
        else:
            os.environ[_NO_TELEMETRY] = before
    return nncf


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what quantisers print, log and warn of from a command's output; their exceptions pass."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
