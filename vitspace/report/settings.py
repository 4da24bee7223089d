"""Settings: what a reader must know of a design to tell it from the others."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from vitspace.spec import PartSpec, Spec

#: Shown in columns of their own.
_APART = ("dim", "depth")


def settings(spec: Spec) -> dict[str, str]:
    """Every setting of a design; one that differs from stage to stage as ``4-4-2-1``.

    The first stage's downsampling is the stem's, and is left out. Of a design of several families, what only some of
    them have is listed by family, over that family's stages: ``mat heads`` as ``4-16``.
    """
    families = list(dict.fromkeys(stage.family for stage in spec.stages))
    found = {"family": _listed(stage.family for stage in spec.stages)}
    found |= {f"stem {name}": str(value) for name, value in _values(spec.stem).items()}
    shared = [name for name in _values(spec.stages[0]) if all(hasattr(stage, name) for stage in spec.stages)]
    for name in shared:
        stages = spec.stages[1:] if name == "downsample" else spec.stages
        found[name] = _listed(_show(getattr(stage, name)) for stage in stages)
    for family in families:
        own = [stage for stage in spec.stages if stage.family == family]
        for name in (name for name in _values(own[0]) if name not in shared):
            found[f"{family} {name}"] = _listed(_show(getattr(stage, name)) for stage in own)
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


def _listed(values: Iterable[str]) -> str:
    listed = list(values)
    return listed[0] if len(set(listed)) == 1 else "-".join(listed)


def _values(part: PartSpec) -> dict[str, Any]:
    return {field.name: getattr(part, field.name) for field in fields(part)}


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
