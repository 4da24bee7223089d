"""The folder of an export. It is written completely or not at all."""

import logging
import time
from pathlib import Path
from typing import Any

from vitspace.costs import CONVENTION
from vitspace.errors import FailureError, InputError
from vitspace.export.alive import check_alive
from vitspace.export.card import card
from vitspace.export.formats import FORMATS, GRAPHS, Written, formats_without
from vitspace.export.graphs import ConversionError
from vitspace.export.int8 import tell_few
from vitspace.export.model import ExportedModel
from vitspace.export.parity import ParityImages, parity_images
from vitspace.files import write_json
from vitspace.folders import contents, owning, whole_folder, writing
from vitspace.latency.backends import is_int8
from vitspace.machine.host import machine
from vitspace.units import format_seconds

_log = logging.getLogger(__name__)

#: A folder with this file is an export, and may be replaced.
RECORD = "export.json"


def export_folder(
    model: ExportedModel,
    formats: list[str],
    out: Path,
    command: str = "",
    force: bool = False,
    shown: ParityImages | None = None,
) -> dict[str, Any]:
    """Write a design's files, the record and the model card, and return the record.

    Args:
        model: The design.
        formats: Names in `FORMATS`.
        out: The folder.
        command: The command line, for the model card.
        force: Whether an existing export is replaced.
        shown: The images on which exported graphs are compared with PyTorch; None takes scikit-learn's.

    Raises:
        InputError: the folder exists, or cannot be written, or the network is dead.
        FailureError: an exported graph does not compute what PyTorch does.
    """
    shown = shown or parity_images(model)
    if model.weights:
        check_alive(model.network, shown.images, str(model.weights.path))
    if any(map(is_int8, formats)):
        tell_few(model, shown)
    with writing(out, "an export"), owning(out, "an export"):
        _check_free(out, force)
        with whole_folder(out) as folder:
            written = [_written(name, model, folder, shown) for name in formats]
            record = _record(model, dict(zip(formats, written, strict=True)), command)
            write_json(folder / RECORD, record)
            (folder / "README.md").write_text(card(model, record), encoding="utf-8")
    return record | {"out": str(out), "files": {kind: str(out / name) for kind, name in record["files"].items()}}


def _written(name: str, model: ExportedModel, folder: Path, shown: ParityImages) -> Written:
    """Write a format, and say what is done: some take a minute."""
    compared = ", compared with PyTorch on images" if name in GRAPHS else ""
    _log.info("writing %s%s", name, compared)
    began = time.perf_counter()
    try:
        written = FORMATS[name][0](model, folder, shown)
    except ConversionError as error:
        others = " ".join(f"--format {other}" for other in formats_without(name, model))
        raise FailureError(f"{error}; nothing is exported; without it: {others}") from error
    _log.info("%s took %s", name, format_seconds(time.perf_counter() - began))
    return written


def _check_free(out: Path, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not contents(out)):
        return
    if not (out / RECORD).is_file():
        raise InputError(f"an export makes a folder of its own, but {str(out)!r} is there and is no export; try --out")
    if not force:
        raise InputError(f"an export makes a new folder, but {str(out)!r} is there; --force replaces it")


def _record(model: ExportedModel, written: dict[str, Written], command: str) -> dict[str, Any]:
    design, files = model.design, {"card": "README.md", "record": RECORD}
    for each in written.values():
        files |= each.files
    return {
        "name": design.name,
        "spec_id": design.spec.id,
        "family": design.spec.family,
        "study": design.record.name if design.record else None,
        "trial": design.trial.number if design.trial else None,
        "anchor": design.anchor.id if design.anchor else None,
        "task": model.task,
        "model": design.identifier,
        "files": files,
        "params": model.cost.params,
        "macs": model.cost.macs,
        "convention": CONVENTION,
        "img_size": model.img_size,
        "num_classes": model.network.num_classes,
        "trained": model.facts if model.weights else None,
        "parity": {name: each.parity.to_json() for name, each in written.items() if each.parity},
        "int8": {name: each.int8.to_json() for name, each in written.items() if each.int8},
        "command": command,
        "machine": machine(),
    }
