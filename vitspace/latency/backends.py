"""The backends that run a network when it is timed. Each is ``prepare(network, image, threads) -> runner``."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from vitspace.errors import InputError, shown
from vitspace.latency.photographs import photographs
from vitspace.latency.protocol import Runner
from vitspace.latency.quantising import quantised_onnx, quantised_openvino
from vitspace.layers.kept import exporting
from vitspace.measured import INT8


def eager(network: nn.Module, image: Tensor, threads: int) -> Runner:
    """PyTorch in eager mode."""
    network.eval()

    def run() -> object:
        with torch.inference_mode():
            return network(image)

    return run


def onnxruntime(network: nn.Module, image: Tensor, threads: int) -> Runner:
    """Exported to ONNX with fixed shapes, run by onnxruntime on the CPU."""
    return onnx_runner(onnx_bytes(network, image), image, threads)


def _onnxruntime_int8(network: nn.Module, image: Tensor, threads: int) -> Runner:
    """As `onnxruntime`, quantised to int8 by it with ranges of two photographs."""
    quantised = quantised_onnx(onnx_model(network, image), photographs(*image.shape[2:]))
    return onnx_runner(quantised.SerializeToString(), image, threads)


def openvino(network: nn.Module, image: Tensor, threads: int) -> Runner:
    """Exported to ONNX with fixed shapes, run by OpenVINO on the CPU in float32."""
    return openvino_runner(openvino_model(onnx_bytes(network, image)), image, threads)


def _openvino_int8(network: nn.Module, image: Tensor, threads: int) -> Runner:
    """As `openvino`, quantised to int8 by NNCF with ranges of two photographs."""
    model = openvino_model(onnx_bytes(network, image))
    return openvino_runner(quantised_openvino(model, photographs(*image.shape[2:])), image, threads)


def onnx_runner(graph: bytes, image: Tensor, threads: int) -> Runner:
    """Return what runs an ONNX model in onnxruntime on the CPU."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: image.numpy()}
    return lambda: session.run(None, feed)


@cache
def openvino_core() -> Any:
    """Return the one ``openvino.Core`` of this process.

    Each core that compiles gives the process a stack for signals, and takes it away when it ends. Where cores end in
    another order than they began (OpenVINO 2026.4), a freed one stays, and the next signal ends the process.
    """
    import openvino as ov

    return ov.Core()


def openvino_runner(model: Any, image: Tensor, threads: int) -> Runner:
    """Return what runs an ``openvino.Model`` on the CPU; what is not quantised is computed in float32."""
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino_core().compile_model(model, "CPU", settings).create_infer_request()
    array = image.numpy()
    return lambda: request.infer({0: array})


def openvino_model(graph: bytes) -> Any:
    """Return an ONNX model as an ``openvino.Model``."""
    return openvino_core().read_model(graph)


def onnx_bytes(network: nn.Module, image: Tensor) -> bytes:
    """Export a network for images of one shape, and return the ONNX model with its weights as bytes."""
    return onnx_model(network, image).SerializeToString()


def onnx_model(network: nn.Module, image: Tensor, **options: Any) -> Any:
    """Export a network as an ``onnx.ModelProto`` with its weights.

    Args:
        network: The network; it is set to evaluation mode.
        image: [B, 3, H, W]; at least two images where the batch is to be dynamic.
        options: Options of ``torch.onnx.export``.
    """
    # The CPU's fused kernel promises strides that the exporter's decomposition of it does not keep.
    network.eval()
    with _unremarked(), sdpa_kernel(SDPBackend.MATH), exporting(network, image):
        program = torch.onnx.export(network, (image,), dynamo=True, verbose=False, **options)
    assert program is not None
    return program.model_proto


@contextmanager
def _unremarked() -> Iterator[None]:
    """Silence the exporter, which warns of its own renamed parts and of each operator that it does not fold."""
    log = logging.getLogger("onnxscript")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


#: Name -> (prepare, the modules it needs, the extra that installs them).
BACKENDS: dict[str, tuple[Callable[[nn.Module, Tensor, int], Runner], tuple[str, ...], str]] = {
    "eager": (eager, (), ""),
    "onnxruntime": (onnxruntime, ("onnx", "onnxscript", "onnxruntime"), "onnx"),
    "openvino": (openvino, ("onnx", "onnxscript", "openvino"), "openvino"),
    "onnxruntime-int8": (_onnxruntime_int8, ("onnx", "onnxscript", "onnxruntime"), "onnx"),
    "openvino-int8": (_openvino_int8, ("onnx", "onnxscript", "openvino", "nncf"), "nncf"),
}


def is_int8(name: str) -> bool:
    """Whether a backend, or a format of an export, is in int8."""
    return name.endswith(INT8)


def runtime_versions(name: str) -> dict[str, str]:
    """Return the versions of the packages that make and run a backend's networks, beside PyTorch.

    Raises:
        InputError: there is no such backend.
    """
    _check_name(name)
    return {module: version_of(module) if find_spec(module) else "not installed" for module in BACKENDS[name][1]}


@cache
def version_of(module: str) -> str:
    """Return the version of an installed module, whatever the package is called that holds it."""
    try:
        return version(module)
    except PackageNotFoundError:
        return ", ".join(f"{name} {version(name)}" for name in packages_distributions().get(module, []))


def check_backend(name: str) -> None:
    """Raise InputError if there is no such backend, or it is not installed."""
    _check_name(name)
    if lack := lacking(name):
        raise InputError(f"latency backend {name!r} needs {lack}")


def _check_name(name: str) -> None:
    if name not in BACKENDS:
        raise InputError(f"a latency backend is one of {', '.join(BACKENDS)}, but got {shown(name)}")


def lacking(name: str) -> str:
    """Say which packages of a backend are not installed, and how to install them; empty if none is missing."""
    _, modules, extra = BACKENDS[name]
    missing = [module for module in modules if find_spec(module) is None]
    return f"{', '.join(missing)}: pip install 'vitspace[{extra}]'" if missing else ""


def prepare(name: str, network: nn.Module, image: Tensor, threads: int) -> Runner:
    """Return a function that runs a network once on a backend.

    Raises:
        InputError: there is no such backend, or it is not installed.
    """
    check_backend(name)
    return BACKENDS[name][0](network, image, threads)
