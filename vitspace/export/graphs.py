"""What the graphs of an export share, in float32 and int8: conversion, metadata, files, and what runs them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vitspace import __version__
from vitspace.errors import FailureError
from vitspace.export.model import ExportedModel
from vitspace.export.parity import Floats, Run
from vitspace.image_sizes import format_image_size
from vitspace.latency.backends import openvino_core, version_of

_NAMES = {"onnxruntime": "onnxruntime", "openvino": "OpenVINO"}


def notes(model: ExportedModel) -> dict[str, str]:
    """Return the metadata of an exported file: spec, image size, normalisation, and what is known of the weights."""
    facts: dict[str, Any] = {"spec_id": model.design.spec.id, "task": model.task, "version": __version__}
    facts |= {"img_size": model.img_size, "mean": model.mean, "std": model.std}
    return {"vitspace": json.dumps(model.facts | facts)}


def noted_onnx(model: ExportedModel, proto: Any) -> bytes:
    """Return an ``onnx.ModelProto`` as bytes, with its metadata."""
    del proto.metadata_props[:]
    for key, value in notes(model).items():
        proto.metadata_props.add(key=key, value=value)
    found: bytes = proto.SerializeToString()
    return found


def run_onnx(graph: bytes) -> Run:
    """Return what runs an exported ONNX model in onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])

    def run(images: Floats) -> Floats:
        scores: Floats = session.run(["scores"], {"image": images})[0]
        return scores

    return run


def run_openvino(path: Path) -> Run:
    """Return what runs an exported OpenVINO model; what is not quantised is computed in float32."""
    core = openvino_core()
    compiled: Any = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(images: Floats) -> Floats:
        return np.array(compiled({0: images})[0])  # a copy: the next run may write to the same memory

    return run


def save_openvino(graph: Any, path: Path) -> tuple[Path, Path]:
    """Write an ``openvino.Model`` as ``.xml`` and ``.bin``, and return both paths."""
    import openvino

    openvino.save_model(graph, path, compress_to_fp16=False)
    return path, path.with_suffix(".bin")


def versioned(package: str) -> str:
    """Return the name of a runtime with its version."""
    return f"{_NAMES[package]} {version_of(package)}"


class ConversionError(FailureError):
    """A network cannot be converted to a format; the message names both, and says why."""


@contextmanager
def converting(name: str, model: ExportedModel) -> Iterator[None]:
    """Turn an exception of a converter into an error that names the format.

    Raises:
        ConversionError: the converter raised.
    """
    try:
        yield
    except Exception as error:  # converters raise types of their own
        reason = next(line for line in f"{error}\n{type(error).__name__}".splitlines() if line.strip())
        raise ConversionError(
            f"{model.design.name} cannot be converted to {name} at {format_image_size(model.img_size)} px: {reason}"
        ) from error
