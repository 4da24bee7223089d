"""Rows to print: a space's axes and rules, and designs drawn from it."""

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from vitspace.image_sizes import ImageSize
from vitspace.latency import HostPredictor, LatencySettings
from vitspace.latency.counted import CountedPrediction
from vitspace.latency.devices import device_at
from vitspace.latency.predictor import LatencyPrediction
from vitspace.sized import SizedSpec, size_of
from vitspace.space.config import STAGES
from vitspace.space.schema import Schema
from vitspace.space.space import Space
from vitspace.space.variables import Variable
from vitspace.spec import PartSpec, Spec


def axis_rows(space: Schema) -> list[dict[str, Any]]:
    """Return one row an axis: its name, the stages it is drawn in, its values as they stand there, its conditions.

    ``values`` holds one list for all stages, or one a stage, which is empty where nothing is drawn.
    """
    axes: dict[str, list[Variable]] = {}
    for variable in space.variables:
        axes.setdefault(variable.axis, []).append(variable)
    return [_row(axis, variables) for axis, variables in axes.items()]


def rule_lines(space: Schema) -> list[str]:
    """Return a line for each rule, which names the families that it is of where those are not all."""
    families: dict[str, list[str]] = {}
    for family in space.families:
        for rule in space.axes.rules[family]:
            families.setdefault(str(rule), []).append(family)
    everywhere = len(space.families)
    return [
        f"rule: {rule}" if len(names) == everywhere else f"rule of {', '.join(names)}: {rule}"
        for rule, names in families.items()
    ]


def design_rows(
    specs: Sequence[Spec], space: Space, predictions: Sequence[LatencyPrediction | CountedPrediction] = ()
) -> list[dict[str, Any]]:
    """Return a row a design: id, params, multiply-adds, predicted milliseconds if predictions are given, its fields.

    It costs what it does in the space; one of several sizes of image says its own.
    """
    ms = [{"predicted_ms": prediction.ms} for prediction in predictions] or [{}] * len(specs)
    costs = [space.cost(spec) for spec in specs]
    return [
        {"id": spec.id, **_size(spec), "params": found.params, "macs": found.macs} | extra | spec.to_dict()
        for spec, found, extra in zip(specs, costs, ms, strict=True)
    ]


def differing_columns(specs: Sequence[Spec]) -> dict[str, list[str]]:
    """Return by setting what each of some designs has, of ``dim``, ``depth`` and all settings that differ between them.

    A setting differs where two designs have it, in the same stage, at different values. It is written stage by stage,
    ``2,2,6,2``, or once where all stages agree; ``-`` stands where a family has none.
    """
    names = dict.fromkeys(f.name for spec in specs for stage in spec.stages for f in fields(stage))
    cells = {name: [[_cell(stage, name) for stage in spec.stages] for spec in specs] for name in names}
    for kind in ("stem", "head"):
        parts = [getattr(spec, kind) for spec in specs]
        names = dict.fromkeys(f.name for part in parts for f in fields(part))
        cells |= {f"{kind}.{name}": [[_cell(part, name)] for part in parts] for name in names}
    always = ("dim", "depth")
    return {
        name: [",".join(row) if name in always or len(set(row)) > 1 else row[0] for row in rows]
        for name, rows in cells.items()
        if name in always or any(len(set(column) - {"-"}) > 1 for column in zip(*rows, strict=True))
    }


def predicted(
    specs: Sequence[Spec], backend: str, img_size: ImageSize, device: str = ""
) -> list[LatencyPrediction] | list[CountedPrediction]:
    """Predict the CPU latency of designs from this host's calibration, or on a device.

    Raises:
        InputError: this host has no calibration for the backend, there is no such device, or it was timed for images of
            another size.
    """
    if device:
        return [device_at(device, size_of(spec, img_size)).predict(spec) for spec in specs]
    predict = {
        size: HostPredictor.here(LatencySettings(backend, img_size=size))
        for size in {size_of(spec, img_size) for spec in specs}
    }
    return [predict[size_of(spec, img_size)](spec) for spec in specs]


def _row(axis: str, variables: list[Variable]) -> dict[str, Any]:
    first = variables[0]
    conditions = [f"{_axis(name)} in {', '.join(map(str, values))}" for name, values in first.when]
    row = {"axis": axis, "when": "; ".join(conditions), "ordered": False}
    if first.stage is None:
        values = [[_show(v) for v in first.values]]
        if first.scale:
            values = [[first.scaled(v, i) for v in first.values] for i in range(STAGES)]
        return row | {"stages": "one for all", "values": values}
    lists: list[list[Any]] = [[] for _ in range(STAGES)]
    for variable in variables:
        assert variable.stage is not None
        lists[variable.stage] = [_show(variable.scaled(v, variable.stage)) for v in variable.values]
    stages = "each" if len(variables) == STAGES else ", ".join(str((v.stage or 0) + 1) for v in variables)
    return row | {"stages": stages, "values": lists}


def _size(spec: Spec) -> dict[str, Any]:
    return {"img_size": spec.img_size} if isinstance(spec, SizedSpec) else {}


def _cell(part: PartSpec, name: str) -> str:
    value = getattr(part, name, None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(_show(value))


def _axis(name: str) -> str:
    """Return a variable's name without its stage."""
    return re.sub(r"\.\d+$", "", name)


def _show(value: Any) -> Any:
    """Write a share such as 0.015625 as 1/64."""
    if isinstance(value, float) and 0 < value < 1 and (1 / value).is_integer():
        return f"1/{int(1 / value)}"
    return value
