"""Settings: what a reader must know of a design to tell it from the others."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from vitspace.spec import PartSpec, Spec

#: Shown in columns of their own.
_APART = ("dim", "depth")


def settings(spec: Spec) -> dict[str, str]:
    """Every setting of a design; one that differs from stage to stage as ``4-4-2-1``.

    The first stage's downsampling is the stem's, and is left out.
    """
    found = {f"stem {name}": str(value) for name, value in _values(spec.stem).items()}
    names = list(dict.fromkeys(name for stage in spec.stages for name in _values(stage)))
    for name in names:
        stages = spec.stages[1:] if name == "downsample" else spec.stages
        values = [_show(getattr(stage, name, "")) for stage in stages]
        found[name] = values[0] if len(set(values)) == 1 else "-".join(values)
    return found | {f"head {name}": str(value) for name, value in _values(spec.head).items()}


def differing(specs: Iterable[Spec]) -> list[str]:
    """Names of the settings in which designs differ, other than widths and depths."""
    shown = [settings(spec) for spec in specs]
    names = list(dict.fromkeys(name for each in shown for name in each))
    return [name for name in names if name not in _APART and len({each.get(name) for each in shown}) > 1]


def shape(spec: Spec, names: Iterable[str]) -> dict[str, Any]:
    """Widths, depths, and the named settings as one text."""
    shown = settings(spec)
    others = ", ".join(f"{name.replace('_', ' ')} {shown[name]}" for name in names if name in shown)
    return {"dim": shown["dim"], "depth": shown["depth"], "settings": others or None}


def _values(part: PartSpec) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in fields(part)}


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
