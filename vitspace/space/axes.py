"""Axes: what a space file says, checked against its families and turned into variables."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vitspace.errors import InputError
from vitspace.families import FAMILIES
from vitspace.space.config import STAGES, AxisConfig, FamilyAxes, SpaceConfig
from vitspace.space.rules import Rule
from vitspace.space.variables import Variable, in_order
from vitspace.spec import part_type

FAMILY = "family"
KINDS = ("stem", "stage", "head")


class Axes:
    """The variables, orders and rules of a space.

    Attributes:
        variables: Each after those it depends on.
        rules: By family: those that hold in its stages.
        ordered: By family: the fields that must not decrease from stage to stage.

    Raises:
        InputError: a family, a field, a value or a name in a condition or rule is unknown, or an axis is missing.
    """

    def __init__(self, name: str, config: SpaceConfig) -> None:
        self.name, self.config = name, config
        for family in config.names:
            if family not in FAMILIES:
                raise InputError(f"space {name}: a family is one of {', '.join(FAMILIES)}, but got {family!r}")
        self.variables = in_order([*self._family_variables(), *self._all_variables()])
        self.rules = {family: self._rules(family) for family in config.names}
        self.ordered = {family: self._ordered(family) for family in config.names}
        for family in config.names:
            self._check_complete(family)

    def _family_variables(self) -> Iterator[Variable]:
        family = self.config.family
        if isinstance(family, str):
            return
        if family.per_stage is None:
            yield Variable(FAMILY, FAMILY, FAMILY, "stage", None, family.values or ())
            return
        for stage, values in enumerate(family.per_stage):
            if values is None:
                raise InputError(f"space {self.name}: every stage has a family, but stage {stage + 1} has none")
            yield Variable(f"{FAMILY}.{stage + 1}", FAMILY, FAMILY, "stage", stage, values)

    def _all_variables(self) -> Iterator[Variable]:
        for axis, config in self.config.axes.items():
            yield from self._variables(axis, config, None)
        for family, section in self.config.families.items():
            for axis, config in section.axes.items():
                if axis in self.config.axes:
                    raise InputError(f"space {self.name}: axis {axis} is shared, but {family} has one of its own")
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
            found = own.get(other) or self.config.axes.get(other)
            if found is None:
                raise InputError(f"space {self.name}: {axis} depends on {other!r}, which is no axis")
            known = [v for values_ in (found.values, *(found.per_stage or ())) for v in values_ or ()]
            if unknown := [value for value in values if value not in known]:
                raise InputError(
                    f"space {self.name}: {axis} depends on {other} in {unknown}, but {other} is one of {known}"
                )
            if found.per_stage is not None and stage is None:
                raise InputError(f"space {self.name}: {axis} holds for all stages, so it cannot depend on {other}")
            name = f"{family}.{other}" if other in own else other
            conditions.append((name if found.per_stage is None else f"{name}.{(stage or 0) + 1}", values))
        return tuple(conditions)

    def _check_axis(self, axis: str, part: str, field: str, config: AxisConfig, family: str | None) -> None:
        if family and self.config.mixed and part == "stage" and config.values is not None:
            raise InputError(
                f"space {self.name}: where every stage draws a family, an axis of one is `each` or `stages`, "
                f"but {family}.{axis} has one value for all"
            )
        if family and self.config.mixed and config.order != "any":
            raise InputError(f"space {self.name}: where every stage draws a family, only shared axes have an order")
        for name in [family] if family else self.config.names:
            self._check_values(axis, part, field, config, name)

    def _check_values(self, axis: str, part: str, field: str, config: AxisConfig, family: str) -> None:
        parts: dict[str, Any] = {kind: part_type(kind, family) for kind in KINDS}
        known: dict[str, Any] = {f.name: f.type for f in fields(parts[part])} if part in parts else {}
        if field not in known:
            names = [f.name for f in fields(parts["stage"])]
            names += [f"{kind}.{f.name}" for kind in ("stem", "head") for f in fields(parts[kind])]
            raise InputError(f"space {self.name}: an axis is one of {', '.join(names)} for {family}, but got {axis!r}")
        check = TypeAdapter(known[field])
        for value in {v for values in (config.values, *(config.per_stage or ())) for v in values or ()}:
            try:
                check.validate_python(value, strict=True)
            except ValidationError as error:
                raise InputError(f"space {self.name}: {axis}: {error.errors()[0]['msg']}, but got {value!r}") from None

    def _section(self, family: str) -> FamilyAxes:
        return self.config.families.get(family, FamilyAxes())

    def _rules(self, family: str) -> list[Rule]:
        """Return the rules for stages of a family, their names checked."""
        known = {f.name for f in fields(part_type("stage", family))} | {"side", "stage", FAMILY}
        rules = [Rule(text) for text in (*self.config.rules, *self._section(family).rules)]
        for rule in rules:
            if rule.names - known:
                raise InputError(
                    f"space {self.name}: a rule names {', '.join(sorted(known))}, "
                    f"but {rule.text!r} has {', '.join(sorted(rule.names - known))}"
                )
        return rules

    def _ordered(self, family: str) -> list[str]:
        axes = self.config.axes | self._section(family).axes
        return [axis for axis, config in axes.items() if config.order == "non_decreasing"]

    def _check_complete(self, family: str) -> None:
        """Refuse a space without an axis that a family's parts need."""
        given = self.config.axes | self._section(family).axes
        for kind in KINDS:
            needed = {f.name for f in fields(part_type(kind, family)) if f.default is MISSING} - {"downsample"}
            prefix = "" if kind == "stage" else f"{kind}."
            missing = [prefix + name for name in sorted(needed) if prefix + name not in given]
            if missing:
                raise InputError(
                    f"space {self.name}: a space has the axes {', '.join(missing)} too; a single value fixes one"
                )
