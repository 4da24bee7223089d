"""The formats of an export. Each is a function that writes its files into a folder and returns their names."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from vitspace import __version__
from vitspace.errors import FailureError, InputError, shown
from vitspace.export.model import ExportedModel
from vitspace.export.module import module_text
from vitspace.export.parity import Floats, Parity, ParityImages, check_parity
from vitspace.files import write_json
from vitspace.image_sizes import format_image_size
from vitspace.latency.backends import lacking

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Written:
    """The files of a format by kind, and how an exported graph compares with PyTorch."""

    files: dict[str, str]
    parity: Parity | None = field(default=None)


def write_spec(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``spec.json``: what `vitspace.Spec.from_json` reads."""
    write_json(folder / "spec.json", {"id": model.design.spec.id} | model.design.spec.to_dict())
    return Written({"spec": "spec.json"})


def write_timm(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """A Python module that registers the model with timm, and a file with the weights."""
    files = {"timm": f"{model.design.identifier}.py"}
    (folder / files["timm"]).write_text(module_text(model, WEIGHTS), encoding="utf-8")
    if model.weights:
        files["weights"] = WEIGHTS
        save_file(model.weights.tensors, folder / WEIGHTS, {"format": "pt"} | _notes(model))
    return Written(files)


def write_onnx(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``model.onnx``, compared with PyTorch by running it in onnxruntime."""
    import onnxruntime

    with _converting("onnx", model):
        proto = model.onnx
    for key, value in _notes(model).items():
        proto.metadata_props.add(key=key, value=value)
    graph = proto.SerializeToString()
    (folder / "model.onnx").write_bytes(graph)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])

    def run(images: Floats) -> Floats:
        scores: Floats = session.run(["scores"], {"image": images})[0]
        return scores

    return Written({"onnx": "model.onnx"}, check_parity(model, shown, run, f"onnxruntime {onnxruntime.__version__}"))


def write_openvino(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``model.xml`` and ``model.bin``, compared with PyTorch by running them in OpenVINO in float32."""
    import openvino

    core = openvino.Core()
    with _converting("openvino", model):
        graph = core.read_model(model.onnx.SerializeToString())
    openvino.save_model(graph, folder / "model.xml", compress_to_fp16=False)
    compiled: Any = core.compile_model(
        core.read_model(folder / "model.xml"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )

    def run(images: Floats) -> Floats:
        scores: Floats = compiled({0: images})[0]
        return scores

    version = openvino.__version__.split("-")[0]
    files = {"openvino": "model.xml", "openvino_weights": "model.bin"}
    return Written(files, check_parity(model, shown, run, f"OpenVINO {version}"))


#: Name -> (the function that writes it, the latency backend whose packages it needs).
FORMATS: dict[str, tuple[Callable[[ExportedModel, Path, ParityImages], Written], str]] = {
    "spec": (write_spec, "eager"),
    "timm": (write_timm, "eager"),
    "onnx": (write_onnx, "onnxruntime"),
    "openvino": (write_openvino, "openvino"),
}


#: The formats that are graphs, which are compared with PyTorch.
GRAPHS = ("onnx", "openvino")


def choose_formats(named: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the formats to write, the spec first, and the formats left out, each with the command that installs it.

    Without names these are all formats that are installed.

    Raises:
        InputError: there is no such format, or one that is named is not installed.
    """
    if unknown := sorted(set(named) - set(FORMATS)):
        raise InputError(f"a format is one of {', '.join(FORMATS)}, but got {shown(unknown[0])}")
    lacks = {name: lack for name, (_, backend) in FORMATS.items() if (lack := lacking(backend))}
    for name in named:
        if name in lacks:
            raise InputError(f"format {name!r} needs {lacks[name]}")
    chosen = [name for name in FORMATS if name == "spec" or name in (named or FORMATS)]
    return [name for name in chosen if name not in lacks], {} if named else lacks


@contextmanager
def _converting(name: str, model: ExportedModel) -> Iterator[None]:
    """Turn an exception of a converter into an error that names the format and how to leave it out.

    Raises:
        FailureError: the converter raised.
    """
    try:
        yield
    except Exception as error:  # converters raise types of their own
        reason = next(line for line in f"{error}\n{type(error).__name__}".splitlines() if line.strip())
        others = " ".join(f"--format {other}" for other in FORMATS if other != name)
        raise FailureError(
            f"{model.design.name} cannot be converted to {name} at {format_image_size(model.img_size)} px: {reason}; "
            f"nothing is exported; without it: {others}"
        ) from error


def _notes(model: ExportedModel) -> dict[str, str]:
    """The metadata of an exported file: name, spec, costs."""
    notes = {"spec_id": model.design.spec.id, "img_size": model.img_size, "mean": model.mean, "std": model.std}
    return {"vitspace": json.dumps(model.facts | notes | {"version": __version__})}
