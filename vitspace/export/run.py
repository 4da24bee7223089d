"""One export, from its request to its record."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitspace.design import Design
from vitspace.export.folder import export_folder
from vitspace.export.formats import choose_formats, formats_of
from vitspace.export.model import ExportedModel
from vitspace.export.parity import parity_images
from vitspace.image_sizes import ImageSize
from vitspace.latency.backends import is_int8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportRequest:
    """What is exported, and how.

    Attributes:
        design: The architecture.
        formats: Names in `FORMATS`; empty for all in float32 that are installed.
        weights: A ``.safetensors`` of ``vitspace train``, or ``supernet:DIR``, shared weights of which the design's are
            cut out; None leaves the network as initialised.
        data: Validation images that graphs are compared with PyTorch on, training images that int8 is calibrated on;
            empty for two photographs.
        images: At most so many of each, evenly spaced.
        img_size: Side of the image, or (height, width), pixels; None is the weights', or the design's.
        num_classes: Classes of an untrained network; None is the weights', or the task's own, of classification
            ImageNet's 1000.
        out: The folder; None is ``exports/NAME``, or ``exports/NAME-TASK``.
        force: Whether an existing export is replaced.
        command: The command line, for the model card.
        task: classification, or a task of segmentation; None is the weights', or classification.
    """

    design: Design
    formats: list[str] = field(default_factory=list)
    weights: Path | None = None
    data: str = ""
    images: int = 256
    img_size: ImageSize | None = None
    num_classes: int | None = None
    out: Path | None = None
    force: bool = False
    command: str = ""
    task: str | None = None


def export_design(request: ExportRequest) -> dict[str, Any]:
    """Write a design's files and its model card into a folder, and return the record; see `export_folder`.

    Networks of segmentation are written as specs and graphs. ONNX and OpenVINO graphs are compared with PyTorch on
    images; if one in float32 differs, nothing is written.

    Raises:
        InputError: a format is unknown, not installed or not of the task, the task is not exported, the weights are of
            another design, the data cannot be read, or the folder exists or cannot be written.
        FailureError: an exported graph does not compute what PyTorch does, or cannot be quantised.
    """
    formats, left_out = choose_formats(request.formats)
    for name, cure in left_out.items():
        _log.warning("format %s is left out, as it needs %s", name, cure)
    design = request.design
    model = ExportedModel.of(design, request.weights, request.img_size, request.num_classes, request.task)
    formats = formats_of(model.task, formats, request.formats)
    _log.info("exporting %s as %s", design.name, ", ".join(formats))
    folder = request.out or Path("exports") / (design.name if model.is_classifier else f"{design.name}-{model.task}")
    shown = parity_images(model, request.data, request.images, any(map(is_int8, formats)))
    return export_folder(model, formats, folder, request.command, request.force, shown)
