"""vitspace space: show, size, draw, validate."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.budget import Budget
from vitspace.cli import app, command_of, console, print_json, say
from vitspace.cli.options import BACKENDS, BUDGET, IMG_SIZES, JSON, PARAMS, TASK, read_sizes
from vitspace.errors import InputError
from vitspace.image_sizes import format_image_size
from vitspace.plots.names import design_name
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.units import format_count
from vitspace.words import plural

if TYPE_CHECKING:
    from rich.table import Table

    from vitspace.spec import Spec

group = typer.Typer(no_args_is_help=True, help="Show, size, draw from and check spaces of designs.")
app.add_typer(group, name="space")

_NAME = typer.Argument(help="A space's name, or a path to its .yaml.")


@command_of(group, "show")
def show(
    name: str = _NAME,
    as_json: bool = JSON,
) -> None:
    """Show a space's axes with values and conditions, and its number of designs."""
    from vitspace.space import load_space
    from vitspace.space.tables import axis_rows, rule_lines

    space = load_space(name)
    rows = axis_rows(space)
    if as_json:
        print_json({"space": space.name, "designs": space.size(), "axes": rows, "rules": rule_lines(space)})
        return
    screen = console()
    screen.print(_table(rows), "", *rule_lines(space), sep="\n")
    anchors = ", ".join(row.id for row in space.anchors())
    screen.print(
        f"{space.size():,} distinct designs at {format_image_size(space.resolution)} px; anchors: {anchors or 'none'}"
    )


@command_of(group, "size")
def size(
    name: str = _NAME,
    budget: str = BUDGET,
    img_size: str = IMG_SIZES,
    task: str = TASK,
    as_json: bool = JSON,
) -> None:
    """Count the distinct designs of a space exactly, or those within a budget."""
    from vitspace.space import load_sizes

    space = load_sizes(name, read_sizes(img_size), task or CLASSIFICATION)
    sizes = {size: each.size(budget) for size, each in space.at.items()}
    designs, axes = sum(sizes.values()), len({v.axis for v in space.variables})
    if as_json:
        found = {
            "space": space.name,
            "designs": designs,
            "axes": axes,
            "budget": budget,
            "task": task or CLASSIFICATION,
        }
        of_each = {"sizes": [{"img_size": size, "designs": count} for size, count in sizes.items()]}
        print_json(found | ({"img_size": space.counted_size} if len(sizes) == 1 else {"img_size": None} | of_each))
        return
    where = f" within {budget}" if budget else ""
    each = [f"{format_image_size(size)} px" + f" ({count:,})" * (len(sizes) > 1) for size, count in sizes.items()]
    at = space.where if space.task else f"at {', '.join(each)}"
    where += f" {at}" if img_size or budget or task else ""
    say(f"{space.name}{where}: {designs:,} distinct designs of {axes} axes")


@command_of(group, "draw")
def draw(
    name: str = _NAME,
    n: int = typer.Option(10, "-n", min=1, help="Designs."),
    budget: str = BUDGET,
    params: str = PARAMS,
    img_size: str = IMG_SIZES,
    task: str = TASK,
    latency: str = typer.Option(None, help="Predicted CPU latency, calibrated here: 60ms; of a device: pi5:60ms."),
    latency_backend: str = typer.Option(None, help=f"Backend: {BACKENDS}. (default: eager)"),
    seed: int = typer.Option(0, min=0, help="The same seed draws the same designs."),
    balanced: bool = typer.Option(False, "--balanced", help="Draw evenly over FLOPs, not uniformly over designs."),
    replace: bool = typer.Option(False, "--replace", help="Draw with replacement."),
    as_json: bool = JSON,
) -> None:
    """Draw designs uniformly from the distinct designs within a budget, and show what differs between them."""
    from vitspace.space import load_sizes
    from vitspace.space.tables import design_rows, predicted

    space = load_sizes(name, read_sizes(img_size), task or CLASSIFICATION)
    if latency_backend and not latency:
        raise InputError(f"--latency-backend belongs to --latency, but got --latency-backend {latency_backend} alone")
    limits: dict[str, Any] = {"params": params, "latency": latency, "latency_backend": latency_backend or "eager"}
    specs = space.draw(n, budget, seed, **limits, replace=replace, balanced=balanced)
    device = Budget.parse(latency=latency).device
    predictions = predicted(specs, limits["latency_backend"], space.resolution, device) if latency else []
    rows = design_rows(specs, space, predictions)
    if as_json:
        print_json(rows)
        return
    if space.task:
        say(f"{plural(len(specs), 'design')} of {space.name} {space.where}, whole networks")
    _print_designs(rows, specs)
    for line in dict.fromkeys(prediction.worth for prediction in predictions):
        say(f"predicted ms: {line}")


@command_of(group, "validate")
def validate(
    path: Path = typer.Argument(help="A space's .yaml, or a space's name."),
    as_json: bool = JSON,
) -> None:
    """Check a space file: its keys, axes and rules, that it has designs, and which values none of them has."""
    from vitspace.space import load_space
    from vitspace.space.values import absent_values

    space = load_space(str(path))
    absent = absent_values(space)
    if as_json:
        print_json({"space": space.name, "designs": space.size(), "absent": [vars(value) for value in absent]})
        return
    say(f"{path}: valid, {space.size():,} distinct designs, {plural(len(absent), 'value')} that none of them has")
    say(*absent, sep="\n", end="\n" if absent else "")


def _table(rows: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table("axis", "stages", "values", "when", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(row["axis"], row["stages"], _values(row["values"]), row["when"])
    return table


def _values(by_stage: list[list[Any]]) -> str:
    """Return the values of an axis; if stages differ, a line for each list of values, which begins with its stages."""
    stages: dict[str, list[str]] = {}
    for number, values in enumerate(by_stage, start=1):
        stages.setdefault(", ".join(map(str, values)) if values else "-", []).append(str(number))
    if len(stages) == 1:
        return next(iter(stages))
    return "\n".join(f"{', '.join(numbers)}: {values}" for values, numbers in stages.items())


def _print_designs(rows: list[dict[str, Any]], specs: "list[Spec]") -> None:
    from rich.table import Table

    from vitspace.space.tables import differing_columns

    columns = differing_columns(specs)
    predicted = ["predicted ms"] if "predicted_ms" in rows[0] else []
    sizes = ["image"] if "img_size" in rows[0] else []
    mixed = ["families"] if any(spec.family == "hybrid" for spec in specs) else []
    headings = ["design", *mixed, *sizes, "params", "FLOPs", *predicted, *columns]
    table = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for number, (row, spec) in enumerate(zip(rows, specs, strict=True)):
        name = design_name(spec.family, row["id"], row["params"])
        families = [",".join(stage.family for stage in spec.stages)] if mixed else []
        ms = [f"{row['predicted_ms']:.1f}"] if predicted else []
        counts = format_count(row["params"]), format_count(row["macs"])
        size = [format_image_size(row["img_size"])] if sizes else []
        table.add_row(name, *families, *size, *counts, *ms, *(column[number] for column in columns.values()))
    console().print(table)
