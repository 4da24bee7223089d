"""The int8 formats of an export, compared with float32: scores, file size, milliseconds."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from torch import Tensor

from vitspace.errors import FailureError
from vitspace.export.graphs import converting, noted_onnx, run_onnx, run_openvino, save_openvino, versioned
from vitspace.export.model import ExportedModel
from vitspace.export.parity import Floats, ParityImages, Run, scores, top1
from vitspace.image_sizes import sides
from vitspace.latency.backends import onnx_runner, openvino_model, openvino_runner
from vitspace.latency.protocol import Clock, Runner, interleave, pinned
from vitspace.latency.quantising import float32_onnx, float32_openvino, quantised_onnx, quantised_openvino
from vitspace.machine import quiet
from vitspace.words import plural

#: Calibration images below which a trained network's ranges are said to be rough.
FEW = 32
#: Timed runs of each file.
_RUNS = 15
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Int8:
    """An int8 file beside float32.

    Attributes:
        cosine: Mean over the images of the cosine similarity of its scores and PyTorch's; cosine_least is the least.
        same_top1: Share of the images with the same best class.
        images: Number of images.
        source: Name of the images.
        calibration_images: Number of images whose ranges it is scaled to.
        calibration_source: Name of these.
        size_bytes: Size of its files.
        float32_size_bytes: Size of the same in float32.
        ms: Milliseconds of one image on one thread, run in turn with float32.
        float32_ms: The same in float32.
        float32_operators: How many operators stay in float32, by type.
        runtime: Name and version of the program that ran it.
        top1: Accuracy of the file on the images in %, if the classes of the weights are known.
        torch_top1: Accuracy of PyTorch on them.
    """

    cosine: float
    cosine_least: float
    same_top1: float
    images: int
    source: str
    calibration_images: int
    calibration_source: str
    size_bytes: int
    float32_size_bytes: int
    ms: float
    float32_ms: float
    float32_operators: dict[str, int]
    runtime: str
    top1: float | None = None
    torch_top1: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Made:
    """A quantised graph beside the graph it was made of.

    Attributes:
        run: Runs it: float32 [B, 3, S, S] -> [B, classes].
        runners: What runs one image, of float32 and of int8.
        clock: The clock of their work.
        sizes: Bytes of the files, of float32 and of int8.
        left: Operators that stay in float32.
        runtime: Name and version of the program that runs it.
    """

    run: Run
    runners: tuple[Runner, Runner]
    clock: Clock
    sizes: tuple[int, int]
    left: dict[str, int]
    runtime: str


def int8_onnx(model: ExportedModel, path: Path, shown: ParityImages) -> Int8:
    """Write an ONNX file in int8, and compare it with float32.

    Raises:
        FailureError: the network cannot be quantised, or its scores are not finite.
    """
    with converting("onnx-int8", model):
        plain = noted_onnx(model, model.onnx)
        quantised = quantised_onnx(model.onnx, _calibration(shown))
        left = _said("onnx-int8", float32_onnx(quantised))
        graph = noted_onnx(model, quantised)
    path.write_bytes(graph)
    runners = onnx_runner(plain, shown.images[:1], 1), onnx_runner(graph, shown.images[:1], 1)
    sizes, runtime = (len(plain), len(graph)), versioned("onnxruntime")
    return _compared(model, shown, _Made(run_onnx(graph), runners, time.thread_time, sizes, left, runtime))


def int8_openvino(model: ExportedModel, path: Path, shown: ParityImages) -> Int8:
    """Write an OpenVINO model in int8 for one image at a time, and compare it with float32; see `int8_onnx`."""
    with converting("openvino-int8", model), TemporaryDirectory(prefix="vitspace-int8-") as folder:
        plain = openvino_model(model.onnx.SerializeToString())
        plain.reshape([1, 3, *sides(model.img_size)])
        plain_size = _size(save_openvino(plain, Path(folder) / "model.xml"))
        graph = quantised_openvino(plain, _calibration(shown))
        left = _said("openvino-int8", float32_openvino(graph))
    sizes = plain_size, _size(save_openvino(graph, path))
    runners = openvino_runner(plain, shown.images[:1], 1), openvino_runner(graph, shown.images[:1], 1)
    run = run_openvino(path)

    def run_each(images: Floats) -> Floats:
        return np.concatenate([run(image[None]) for image in images])

    # OpenVINO works on threads of its own.
    made = _Made(run_each, runners, time.process_time, sizes, left, versioned("openvino"))
    return _compared(model, shown, made)


def cosines(scores: Floats, expected: Floats) -> Floats:
    """Return the cosine similarity of each image's scores, [N, classes] twice -> [N]."""
    norms = np.linalg.norm(scores, axis=1) * np.linalg.norm(expected, axis=1)
    return (scores * expected).sum(axis=1) / norms


def _compared(model: ExportedModel, shown: ParityImages, made: _Made) -> Int8:
    """Compare a quantised graph with float32.

    Raises:
        FailureError: a score is not finite.
    """
    expected, got = scores(model, shown, made.run)
    if not np.isfinite(got).all():
        raise FailureError(
            f"scores are finite, but of {model.design.name} in int8 {made.runtime} gives others; nothing is exported"
        )
    alike, calibration = cosines(got, expected), shown.calibration or shown
    with quiet.timing(), pinned(1):
        timing = interleave(made.runners, _RUNS, clock=made.clock)
    plain_ms, ms = (float(median) for median in np.median(timing.times, axis=1))
    return Int8(
        cosine=float(alike.mean()),
        cosine_least=float(alike.min()),
        same_top1=float((got.argmax(1) == expected.argmax(1)).mean()),
        images=len(shown.images),
        source=shown.source,
        calibration_images=len(calibration.images),
        calibration_source=calibration.source,
        size_bytes=made.sizes[1],
        float32_size_bytes=made.sizes[0],
        ms=ms,
        float32_ms=plain_ms,
        float32_operators=made.left,
        runtime=made.runtime,
        top1=top1(got.argmax(1), shown.labels),
        torch_top1=top1(expected.argmax(1), shown.labels),
    )


def tell_few(model: ExportedModel, shown: ParityImages) -> None:
    """Warn where the calibration images are few for a trained network."""
    images = shown.calibration or shown
    if model.weights and len(images.images) < FEW:
        cure = "--data names yours" if shown.calibration is None else "--images asks for more"
        given = f"{plural(len(images.images), 'image')} ({images.source})"
        _log.warning("int8 takes its ranges from %d images or more, but got %s; %s", FEW, given, cure)


def _calibration(shown: ParityImages) -> Tensor:
    return (shown.calibration or shown).images


def _said(name: str, left: dict[str, int]) -> dict[str, int]:
    """Say which operators stay in float32, and return them."""
    _log.info("%s: in float32 stay %s", name, ", ".join(f"{kind} ({count})" for kind, count in left.items()))
    return left


def _size(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files)
