"""The formats of an export. Each is a function that writes its files into a folder and returns their names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from vitspace.errors import InputError, shown
from vitspace.export.graphs import (
    converting,
    noted_onnx,
    notes,
    run_onnx,
    run_openvino,
    save_openvino,
    versioned,
)
from vitspace.export.int8 import Int8, int8_onnx, int8_openvino
from vitspace.export.model import ExportedModel
from vitspace.export.module import module_text
from vitspace.export.parity import Parity, ParityImages, check_parity
from vitspace.files import write_json
from vitspace.latency.backends import is_int8, lacking, openvino_model
from vitspace.tasks.heads import CLASSIFICATION

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Written:
    """The files of a format by kind, and how an exported graph compares with PyTorch, in float32 or int8."""

    files: dict[str, str]
    parity: Parity | None = None
    int8: Int8 | None = None


def _write_spec(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``spec.json``: what `vitspace.Spec.from_json` reads; with the weights of segmentation beside it."""
    write_json(folder / "spec.json", {"id": model.design.spec.id} | model.design.spec.to_dict())
    files = {"spec": "spec.json"}
    if model.weights and not model.is_classifier:  # those of a classifier are its timm module's
        files["weights"] = _write_weights(model, folder)
    return Written(files)


def _write_timm(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """A Python module that registers the model with timm, and a file with the weights."""
    files = {"timm": f"{model.design.identifier}.py"}
    (folder / files["timm"]).write_text(module_text(model, WEIGHTS), encoding="utf-8")
    if model.weights:
        files["weights"] = _write_weights(model, folder)
    return Written(files)


def _write_weights(model: ExportedModel, folder: Path) -> str:
    assert model.weights is not None
    save_file(model.weights.tensors, folder / WEIGHTS, {"format": "pt"} | notes(model))
    return WEIGHTS


def _write_onnx(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``model.onnx``, compared with PyTorch by running it in onnxruntime."""
    with converting("onnx", model):
        graph = noted_onnx(model, model.onnx)
    (folder / "model.onnx").write_bytes(graph)
    return Written({"onnx": "model.onnx"}, check_parity(model, shown, run_onnx(graph), versioned("onnxruntime")))


def _write_openvino(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``model.xml`` and ``model.bin``, compared with PyTorch by running them in OpenVINO in float32."""
    with converting("openvino", model):
        graph = openvino_model(model.onnx.SerializeToString())
    save_openvino(graph, folder / "model.xml")
    files = {"openvino": "model.xml", "openvino_weights": "model.bin"}
    return Written(files, check_parity(model, shown, run_openvino(folder / "model.xml"), versioned("openvino")))


def _write_onnx_int8(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``model-int8.onnx``, quantised by onnxruntime."""
    return Written({"onnx-int8": "model-int8.onnx"}, int8=int8_onnx(model, folder / "model-int8.onnx", shown))


def _write_openvino_int8(model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """``model-int8.xml`` and ``model-int8.bin``, quantised by NNCF."""
    files = {"openvino-int8": "model-int8.xml", "openvino-int8_weights": "model-int8.bin"}
    return Written(files, int8=int8_openvino(model, folder / "model-int8.xml", shown))


#: Name -> (the function that writes it, the latency backend whose packages it needs).
FORMATS: dict[str, tuple[Callable[[ExportedModel, Path, ParityImages], Written], str]] = {
    "spec": (_write_spec, "eager"),
    "timm": (_write_timm, "eager"),
    "onnx": (_write_onnx, "onnxruntime"),
    "openvino": (_write_openvino, "openvino"),
    "onnx-int8": (_write_onnx_int8, "onnxruntime-int8"),
    "openvino-int8": (_write_openvino_int8, "openvino-int8"),
}


#: The formats that are written where none is named, and the graphs among them, which are compared with PyTorch.
DEFAULT_FORMATS = tuple(name for name in FORMATS if not is_int8(name))
GRAPHS = tuple(name for name in DEFAULT_FORMATS if FORMATS[name][1] != "eager")

#: The formats of segmentation.
OF_SEGMENTATION = ("spec", *GRAPHS)


def choose_formats(named: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the formats to write, the spec first, and the formats left out, each with the command that installs it.

    Without names these are all in float32 that are installed.

    Raises:
        InputError: there is no such format, or one that is named is not installed.
    """
    if unknown := sorted(set(named) - set(FORMATS)):
        raise InputError(f"a format is one of {', '.join(FORMATS)}, but got {shown(unknown[0])}")
    asked = [name for name in FORMATS if name == "spec" or name in (named or DEFAULT_FORMATS)]
    lacks = {name: lack for name in asked if (lack := lacking(FORMATS[name][1]))}
    for name, lack in lacks.items() if named else ():
        raise InputError(f"format {name!r} needs {lack}")
    return [name for name in asked if name not in lacks], lacks


def formats_of(task: str, formats: list[str], named: list[str]) -> list[str]:
    """Return those of the formats in which networks of a task are written: of segmentation its spec and graphs.

    Raises:
        InputError: another one is named.
    """
    known = FORMATS if task == CLASSIFICATION else OF_SEGMENTATION
    if other := [name for name in named if name not in known]:
        raise InputError(f"a format of {task} is one of {', '.join(known)}, but got {shown(other[0])}")
    return [name for name in formats if name in known]


def formats_without(name: str, model: ExportedModel) -> list[str]:
    """Return the formats that can be written where one failed; without an ONNX graph none that is made of it."""
    made = [
        other
        for other in formats_of(model.task, [*DEFAULT_FORMATS], [])
        if other not in GRAPHS or "onnx" in vars(model)
    ]
    return [other for other in made if other != name and not lacking(FORMATS[other][1])]
