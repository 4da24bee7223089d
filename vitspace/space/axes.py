"""Checks the axes of a space file against its families, and turns them into variables."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vitspace.errors import InputError, shown
from vitspace.files import broken_rule
from vitspace.space.config import STAGES, AxisConfig, FamilyAxes, SpaceConfig, SpaceError
from vitspace.space.rules import Rule
from vitspace.space.variables import Variable, in_order
from vitspace.spec import KINDS, StageSpec, part_type

FAMILY = "family"


class Axes:
    """The variables, orders and rules of a space.

    Attributes:
        variables: Each after those it depends on.
        rules: By family: those that hold in its stages.
        ordered: By family: the fields that must not decrease from stage to stage.

    Raises:
        SpaceError: a family, a field, a value or a name in a condition or rule is unknown, or an axis is missing.
    """

    def __init__(self, config: SpaceConfig) -> None:
        self.config = config
        for family in config.names:
            try:
                part_type("stage", family)
            except InputError as error:
                raise SpaceError(str(error), *_named(config, family)) from None
        self.variables = _in_order([*self._family_variables(), *self._all_variables()])
        self.rules = {family: self._rules(family) for family in config.names}
        self.ordered = {family: self._ordered(family) for family in config.names}
        for family in config.names:
            self._check_complete(family)

    def ordered_values(self, stage: StageSpec) -> tuple[Any, ...]:
        """Return what a stage has of the fields that must not decrease."""
        return tuple(getattr(stage, field) for field in self.ordered[stage.family])

    def falls(self, stage: StageSpec, before: Sequence[Any]) -> str:
        """Say what decreases from the `ordered_values` of the stage before, of which a first stage has none."""
        for field, was in zip(self.ordered[stage.family], before, strict=False):
            if (now := getattr(stage, field)) < was:
                return f"{field} must not decrease from stage to stage, but got {[was, now]}"
        return ""

    def limits_depth(self, family: str) -> bool:
        """Whether a rule or an order of a family's stages reads their depth."""
        return "depth" in self.ordered[family] or any("depth" in rule.names for rule in self.rules[family])

    def _family_variables(self) -> Iterator[Variable]:
        family = self.config.family
        if isinstance(family, str):
            return
        for key in ("scale", "when", "order"):
            if key in family.model_fields_set:
                raise SpaceError(f"family is values, each or stages, but got {key}", FAMILY, key)
        if family.per_stage is None:
            yield Variable(FAMILY, FAMILY, FAMILY, "stage", None, family.values or ())
            return
        for stage, values in enumerate(family.per_stage):
            if values is None:
                raise SpaceError(f"every stage has a family, but stage {stage + 1} has none", FAMILY, "stages", stage)
            yield Variable(f"{FAMILY}.{stage + 1}", FAMILY, FAMILY, "stage", stage, values)

    def _all_variables(self) -> Iterator[Variable]:
        for axis, config in self.config.axes.items():
            yield from self._variables(axis, config, None)
        for family, section in self.config.families.items():
            for axis, config in section.axes.items():
                if axis in self.config.axes:
                    raise SpaceError(f"axis {axis} is shared, but {family} has one of its own", *_at(family, axis))
                yield from self._variables(axis, config, family)

    def _variables(self, axis: str, config: AxisConfig, family: str | None) -> Iterator[Variable]:
        part, _, field = axis.rpartition(".")
        part = part or "stage"
        self._check_axis(axis, part, field, config, family)
        name = f"{family}.{axis}" if family else axis
        common: dict[str, Any] = {"axis": name, "field": field, "part": part, "scale": config.scale}
        if config.per_stage is None:
            stage = {"stem": 0, "head": STAGES - 1}.get(part) if self.config.mixed else None
            when = (*self._of_family(family, stage), *self._conditions(axis, config, family, None))
            yield Variable(name, stage=None, values=config.values or (), when=when, **common)
            return
        for stage, values in enumerate(config.per_stage):
            if values is not None and self._may_be(family, stage):
                when = (*self._of_family(family, stage), *self._conditions(axis, config, family, stage))
                yield Variable(f"{name}.{stage + 1}", stage=stage, values=values, when=when, **common)

    def _of_family(self, family: str | None, stage: int | None) -> tuple[tuple[str, tuple], ...]:
        """Return the condition under which a stage, or all, are of a family."""
        if family is None:
            return ()
        return ((f"{FAMILY}.{stage + 1}" if self.config.mixed and stage is not None else FAMILY, (family,)),)

    def _may_be(self, family: str | None, stage: int) -> bool:
        choice = self.config.family
        if family is None or isinstance(choice, str) or choice.per_stage is None:
            return True
        return family in (choice.per_stage[stage] or ())

    def _conditions(
        self, axis: str, config: AxisConfig, family: str | None, stage: int | None
    ) -> tuple[tuple[str, tuple], ...]:
        conditions = []
        own = self.config.families[family].axes if family else {}
        for other, values in config.when.items():
            found, where = own.get(other) or self.config.axes.get(other), _at(family, axis, "when", other)
            if found is None:
                raise SpaceError(f"{axis} depends on {other!r}, which is no axis", *where)
            known = list(dict.fromkeys(value for value, _ in _places(found)))
            if unknown := [value for value in values if value not in known]:
                raise SpaceError(f"{axis} depends on {other} in {unknown}, but {other} is one of {known}", *where)
            if found.per_stage is not None and stage is None:
                raise SpaceError(f"{axis} holds for all stages, so it cannot depend on {other}", *where)
            name = f"{family}.{other}" if other in own else other
            conditions.append((name if found.per_stage is None else f"{name}.{(stage or 0) + 1}", values))
        return tuple(conditions)

    def _check_axis(self, axis: str, part: str, field: str, config: AxisConfig, family: str | None) -> None:
        if family and self.config.mixed and part == "stage" and config.values is not None:
            raise SpaceError(
                f"where every stage draws a family, an axis of one is `each` or `stages`, "
                f"but {family}.{axis} has one value for all",
                *_at(family, axis),
            )
        if family and self.config.mixed and config.order != "any":
            raise SpaceError(
                "where every stage draws a family, only shared axes have an order", *_at(family, axis, "order")
            )
        for name in [family] if family else self.config.names:
            self._check_field(axis, part, field, name, _at(family, axis))
            self._check_values(axis, config, part_type(part, name), field, _at(family, axis))
        self._check_meaning(axis, part, config, family)

    def _check_meaning(self, axis: str, part: str, config: AxisConfig, family: str | None) -> None:
        """Refuse what would decide nothing."""
        lists = [key for key in ("each", "stages") if getattr(config, key) is not None]
        if part != "stage" and lists:
            raise SpaceError(f"a {part} is one, so {axis} has values, but got {lists[0]}", *_at(family, axis, lists[0]))
        if config.scale and axis != "dim":
            raise SpaceError(f"scale multiplies dim alone, but got a scale of {axis}", *_at(family, axis, "scale"))
        words = [value for value, _ in _places(config) if isinstance(value, str)]
        if config.order != "any" and words:
            raise SpaceError(f"order is of numbers, but {axis} has {words[0]!r}", *_at(family, axis, "order"))
        if config.stages and not any(config.stages):
            raise SpaceError(f"an axis has values in some stage, but {axis} has none", *_at(family, axis, "stages"))
        for stage, values in enumerate(config.stages or ()):
            if values is not None and not self._may_be(family, stage):
                raise SpaceError(
                    f"stage {stage + 1} is never {family}, so {family}.{axis} has null there, but got {list(values)}",
                    *_at(family, axis, "stages", stage),
                )

    def _check_field(self, axis: str, part: str, field: str, family: str, where: tuple[str, ...]) -> None:
        parts: dict[str, Any] = {kind: part_type(kind, family) for kind in KINDS}
        if part not in parts or field not in {f.name for f in fields(parts[part])}:
            names = [f.name for f in fields(parts["stage"])]
            names += [f"{kind}.{f.name}" for kind in ("stem", "head") for f in fields(parts[kind])]
            raise SpaceError(f"an axis is one of {', '.join(names)} for {family}, but got {shown(axis)}", *where)

    def _check_values(self, axis: str, config: AxisConfig, part: Any, field: str, where: tuple[str, ...]) -> None:
        kind: Any = next(f.type for f in fields(part) if f.name == field)
        check: TypeAdapter[Any] = TypeAdapter(kind)
        for value, place in _places(config):
            try:
                check.validate_python(value, strict=True)
            except ValidationError as error:
                raise SpaceError(broken_rule(axis, error.errors()[0]), *where, *place) from None

    def _section(self, family: str) -> FamilyAxes:
        return self.config.families.get(family, FamilyAxes())

    def _rules(self, family: str) -> list[Rule]:
        """Return the rules for stages of a family, their names checked."""
        known = {f.name for f in fields(part_type("stage", family))} | {"side", "stage", FAMILY}
        shared = [Rule(text, ("rules", i)) for i, text in enumerate(self.config.rules)]
        own = [Rule(text, _at(family, "rules", i)) for i, text in enumerate(self._section(family).rules)]
        for rule in (*shared, *own):
            if rule.names - known:
                raise SpaceError(
                    f"a rule names {', '.join(sorted(known))}, "
                    f"but {rule.text!r} has {', '.join(sorted(rule.names - known))}",
                    *rule.where,
                )
        return [*shared, *own]

    def _ordered(self, family: str) -> list[str]:
        axes = self.config.axes | self._section(family).axes
        return [axis for axis, config in axes.items() if config.order == "non_decreasing"]

    def _check_complete(self, family: str) -> None:
        """Refuse a space without an axis that a family's parts need."""
        given = self.config.axes | self._section(family).axes
        for kind in KINDS:
            needed = {f.name for f in fields(part_type(kind, family)) if f.default is MISSING} - {"downsample"}
            prefix = "" if kind == "stage" else f"{kind}."
            self._check_always(family, [prefix + name for name in sorted(needed) if prefix + name in given])
            missing = [prefix + name for name in sorted(needed) if prefix + name not in given]
            if missing:
                raise SpaceError(
                    f"a space has the axes {', '.join(missing)} too, for {family}; a single value fixes one", "axes"
                )

    def _check_always(self, family: str, needed: Sequence[str]) -> None:
        """Refuse what leaves an axis out that has no default, and sizes below 1."""
        for axis in needed:
            own = self._section(family).axes.get(axis)
            config, where = own or self.config.axes[axis], _at(family if own else None, axis)
            if config.when or (own is None and None in (config.stages or ())):
                raise SpaceError(
                    f"{axis} has a value in every stage, but got {'when' if config.when else 'null'}", *where
                )
            for value, place in _places(config) if axis in ("dim", "depth") else ():
                if value < 1:
                    raise SpaceError(f"{axis} is at least 1, but got {value}", *where, *place)


def _named(config: SpaceConfig, family: str) -> tuple[Any, ...]:
    """Return where a space file names a family."""
    if isinstance(config.family, str):
        return (FAMILY,)
    return next(((FAMILY, *place) for value, place in _places(config.family) if value == family), (FAMILY,))


def _at(family: str | None, *keys: Any) -> tuple[Any, ...]:
    """Return where an axis, shared or of a family of several, or a key below it stands in the file."""
    section = ("families", family) if family else ()
    return (*section, *keys) if keys[0] == "rules" else (*section, "axes", *keys)


def _places(config: AxisConfig) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield an axis's values with where they stand below it."""
    for kind in ("values", "each"):
        yield from ((value, (kind, i)) for i, value in enumerate(getattr(config, kind) or ()))
    for stage, values in enumerate(config.stages or ()):
        yield from ((value, ("stages", stage, i)) for i, value in enumerate(values or ()))


def _in_order(variables: list[Variable]) -> list[Variable]:
    try:
        return in_order(variables)
    except InputError as error:
        raise SpaceError(str(error), "axes") from None
