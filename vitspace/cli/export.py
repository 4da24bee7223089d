"""vitspace export."""

from pathlib import Path
from typing import Any

import typer

from vitspace.cli import command, command_line, print_json, say
from vitspace.cli.options import IMG_SIZE, JSON, STORAGE, read_size
from vitspace.image_sizes import format_image_size
from vitspace.units import format_count
from vitspace.words import plural


@command
def export(
    design: str = typer.Argument(help="An anchor's id, a spec's .json, or with --trial a stored study."),
    trial: int = typer.Option(None, min=0, help="The number of the study's trial."),
    formats: list[str] = typer.Option(
        [],
        "--format",
        help="spec, timm, onnx, openvino, onnx-int8 or openvino-int8; repeatable. (default: all in float32 that are "
        "installed)",
    ),
    task: str = typer.Option(
        None, help="classification, or a task of segmentation. (default: the weights', or classification)"
    ),
    weights: Path = typer.Option(
        None, help="The .safetensors of vitspace train, or supernet:DIR for shared weights. (default: as initialised)"
    ),
    data: str = typer.Option(
        "",
        help="Images to compare on (validation) and to calibrate int8 by (training): imagefolder:DIR, cifar10:DIR, ... "
        "(default: two photographs)",
    ),
    images: int = typer.Option(
        256, min=1, help="Most images of --data to compare on, and to calibrate by, evenly spaced."
    ),
    img_size: str = IMG_SIZE,
    num_classes: int = typer.Option(
        None, min=1, help="Classes of an untrained network. (default: 1000, or the task's; trained, the weights')"
    ),
    storage: str = STORAGE,
    out: Path = typer.Option(None, help="The folder to make. (default: exports/NAME, or exports/NAME-TASK)"),
    force: bool = typer.Option(False, "--force", help="Replace an existing export."),
    as_json: bool = JSON,
) -> None:
    """Write a design as files for use elsewhere: spec, timm module, weights, ONNX, OpenVINO, and a model card.

    ONNX and OpenVINO files are compared with PyTorch on real images; if one in float32 differs, nothing is written. Of
    those in int8 the model card says how their scores, sizes and milliseconds compare.
    """
    from vitspace.design import find_design
    from vitspace.export import ExportRequest, export_design

    request = ExportRequest(
        design=find_design(design, trial, storage),
        formats=formats,
        weights=weights,
        data=data,
        images=images,
        img_size=read_size(img_size),
        num_classes=num_classes,
        out=out,
        force=force,
        command=command_line(),
        task=task,
    )
    record = export_design(request)
    if as_json:
        print_json(record)
    else:
        say("\n".join(_lines(record)))


def _lines(record: dict[str, Any]) -> list[str]:
    size = format_image_size(record["img_size"])
    costs = f"{format_count(record['params'])} params, {format_count(record['macs'])} FLOPs at {size} px"
    trained = "" if record["trained"] is not None else ", not trained"
    of_task = "" if record["task"] == "classification" else f" for {record['task']}"
    lines = [f"{record['name']}{of_task}: {costs}, {plural(record['num_classes'], 'class')}{trained}"]
    for name, found in record["parity"].items():
        lines.append(
            f"{name} differs from PyTorch by at most {found['max_abs_error']:.2g}, "
            f"with scores up to {found['largest_score']:.3g} "
            f"({plural(found['images'], 'image')}, {found['runtime']})"
        )
        if found["top1"] is not None:
            lines.append(f"{name} has top-1 {found['top1']:.2f} % on them, PyTorch {found['torch_top1']:.2f} %")
    for name, found in record["int8"].items():
        lines.append(
            f"{name}: cosine similarity with float32 {found['cosine']:.4f}, same top-1 {found['same_top1']:.0%} "
            f"({plural(found['images'], 'image')}, {found['runtime']}); "
            f"{found['size_bytes'] / 1e6:.1f} MB, in float32 {found['float32_size_bytes'] / 1e6:.1f} MB; "
            f"{found['ms']:.1f} ms, in float32 {found['float32_ms']:.1f} ms"
        )
        if found["top1"] is not None:
            lines.append(f"{name} has top-1 {found['top1']:.2f} % on them, PyTorch {found['torch_top1']:.2f} %")
    return [*lines, *(f"{kind}: {path}" for kind, path in record["files"].items())]
