"""vitspace space: show, size, draw, validate."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.budget import Budget
from vitspace.cli import app, command_of, console, print_json, print_table, say
from vitspace.cli.options import BACKENDS, BUDGET, IMG_SIZES, JSON, PARAMS, TASK, read_sizes
from vitspace.errors import InputError
from vitspace.image_sizes import format_image_size
from vitspace.plots.names import design_name
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.units import format_count
from vitspace.words import plural

if TYPE_CHECKING:
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
    cells = [(row["axis"], row["stages"], _values(row["values"]), row["when"]) for row in rows]
    print_table(("axis", "stages", "values", "when"), cells, pad_edge=False)
    screen.print("", *rule_lines(space), sep="\n")
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


def _values(by_stage: list[list[Any]]) -> str:
    """Return the values of an axis; if stages differ, a line for each list of values, which begins with its stages."""
    stages: dict[str, list[str]] = {}
    for number, values in enumerate(by_stage, start=1):
        stages.setdefault(", ".join(map(str, values)) if values else "-", []).append(str(number))
    if len(stages) == 1:
        return next(iter(stages))
    return "\n".join(f"{', '.join(numbers)}: {values}" for values, numbers in stages.items())


def _print_designs(rows: list[dict[str, Any]], specs: "list[Spec]") -> None:
    from vitspace.space.tables import differing_columns

    pairs = list(zip(rows, specs, strict=True))
    columns = {"design": [design_name(spec.family, row["id"], row["params"]) for row, spec in pairs]}
    if any(spec.family == "hybrid" for spec in specs):
        columns["families"] = [",".join(stage.family for stage in spec.stages) for spec in specs]
    if "img_size" in rows[0]:
        columns["image"] = [format_image_size(row["img_size"]) for row in rows]
    columns |= {"params": [format_count(row["params"]) for row in rows]}
    columns |= {"FLOPs": [format_count(row["macs"]) for row in rows]}
    if "predicted_ms" in rows[0]:
        columns["predicted ms"] = [f"{row['predicted_ms']:.1f}" for row in rows]
    columns |= differing_columns(specs)
    print_table(columns, zip(*columns.values(), strict=True), pad_edge=False)
