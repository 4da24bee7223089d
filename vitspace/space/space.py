"""Space: axes that become specs."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from vitspace.anchors import Anchor, all_anchors
from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import FAMILIES
from vitspace.files import find_yaml, read_yaml
from vitspace.space import drawing
from vitspace.space.config import STAGES, AxisConfig, SpaceConfig
from vitspace.space.rules import Rule
from vitspace.space.variables import InvalidDesign, Params, Variable, in_order
from vitspace.spec import Carry, Spec, StageSpec, part_type, placed


class Space:
    """The specs that a space file describes.

    Args:
        name: What to call it.
        config: The file's contents.

    Raises:
        InputError: the family, a field, a value or a name in a condition or rule is unknown.
    """

    def __init__(self, name: str, config: SpaceConfig) -> None:
        if config.family not in FAMILIES:
            raise InputError(f"space {name}: a family is one of {', '.join(FAMILIES)}, but got {config.family!r}")
        self.name, self.config = name, config
        self.resolution = config.resolution
        self._parts: dict[str, Any] = {part: part_type(part, config.family) for part in ("stem", "stage", "head")}
        self._scales = {axis: c.scale for axis, c in config.axes.items() if c.scale}
        self.ordered = [axis for axis, c in config.axes.items() if c.order == "non_decreasing"]
        self.variables = in_order([v for axis in config.axes for v in self._variables(axis, config.axes[axis])])
        self.rules = [Rule(text) for text in config.rules]
        self._check_rules()
        self._check_complete()

    def _variables(self, axis: str, config: AxisConfig) -> Iterator[Variable]:
        part, _, field = axis.rpartition(".")
        part = part or "stage"
        self._check_axis(axis, part, field, config)
        if config.per_stage is None:
            yield Variable(axis, field, part, None, config.values or (), self._conditions(axis, config, None))
            return
        for stage, values in enumerate(config.per_stage):
            if values is not None:
                when = self._conditions(axis, config, stage)
                yield Variable(f"{axis}.{stage + 1}", field, part, stage, values, when)

    def _conditions(self, axis: str, config: AxisConfig, stage: int | None) -> tuple[tuple[str, tuple], ...]:
        conditions = []
        for other, values in config.when.items():
            if other not in self.config.axes:
                raise InputError(f"space {self.name}: {axis} depends on {other!r}, which is no axis")
            per_stage = self.config.axes[other].per_stage
            if per_stage is not None and stage is None:
                raise InputError(f"space {self.name}: {axis} holds for all stages, so it cannot depend on {other}")
            conditions.append((other if per_stage is None else f"{other}.{(stage or 0) + 1}", values))
        return tuple(conditions)

    def _check_axis(self, axis: str, part: str, field: str, config: AxisConfig) -> None:
        known: dict[str, Any] = {f.name: f.type for f in fields(self._parts[part])} if part in self._parts else {}
        if field not in known:
            names = [f.name for f in fields(self._parts["stage"])]
            names += [f"{kind}.{f.name}" for kind in ("stem", "head") for f in fields(self._parts[kind])]
            raise InputError(f"space {self.name}: an axis is one of {', '.join(names)}, but got {axis!r}")
        check = TypeAdapter(known[field])
        for value in {v for values in (config.values, *(config.per_stage or ())) for v in values or ()}:
            try:
                check.validate_python(value)
            except ValidationError as error:
                raise InputError(f"space {self.name}: {axis}: {error.errors()[0]['msg']}, but got {value!r}") from None

    def _check_rules(self) -> None:
        known = {f.name for f in fields(self._parts["stage"])} | {"side", "stage"}
        for rule in self.rules:
            if rule.names - known:
                raise InputError(
                    f"space {self.name}: a rule names {', '.join(sorted(known))}, "
                    f"but {rule.text!r} has {', '.join(sorted(rule.names - known))}"
                )

    def _check_complete(self) -> None:
        """Refuse a space without an axis that its parts need."""
        for kind in ("stem", "stage", "head"):
            needed = {f.name for f in fields(self._parts[kind]) if f.default is MISSING} - {"downsample"}
            prefix = "" if kind == "stage" else f"{kind}."
            missing = [prefix + name for name in sorted(needed) if prefix + name not in self.config.axes]
            if missing:
                raise InputError(
                    f"space {self.name}: a space has the axes {', '.join(missing)} too; a single value fixes one"
                )

    def choose(self, pick: Callable[[Variable], Any]) -> Params:
        """Return params, asking ``pick`` for every active variable of more than one value."""
        chosen = self._choose_all(pick)
        return {v.name: chosen[v.name] for v in self.variables if v.name in chosen and len(v.values) > 1}

    def _choose_all(self, pick: Callable[[Variable], Any]) -> Params:
        """Return the values of all active variables, the fixed ones included."""
        chosen: Params = {}
        for variable in self.variables:
            if variable.active(chosen):
                chosen[variable.name] = pick(variable) if len(variable.values) > 1 else variable.values[0]
        return chosen

    def decode(self, params: Mapping[str, Any]) -> Spec:
        """Make the spec that params describe.

        Raises:
            InputError: a name or value is not the space's.
            InvalidDesign: the values together break a rule.
        """
        left = dict(params)

        def pick(variable: Variable) -> Any:
            if variable.name not in left:
                raise InputError(f"params name every active axis, but {variable.name} is missing")
            value = left.pop(variable.name)
            if value not in variable.values:
                raise InputError(f"{variable.name} is one of {list(variable.values)}, but got {value!r}")
            return value

        chosen = self._choose_all(pick)
        if left:
            raise InputError(f"params name active axes only, but got {', '.join(sorted(left))}")
        return self._spec(chosen)

    def part(self, kind: str) -> Any:
        """Return the family's class of stem, stage or head."""
        return self._parts[kind]

    def scaled(self, field: str, value: Any, stage: int) -> Any:
        """Return what an axis's value is in a stage, numbered from 0."""
        scale = self._scales.get(field)
        return value * scale[stage] if scale else value

    def part_of(self, kind: str, chosen: Params) -> Any:
        """Make the stem or the head from the values of active variables."""
        settings = [(v.field, chosen[v.name]) for v in self.variables if v.part == kind and v.name in chosen]
        return make_part(self._parts[kind], tuple(settings))

    def stage_of(self, chosen: Params, stage: int) -> StageSpec:
        """Make a stage, numbered from 0, from the values of active variables."""
        settings = [
            (v.field, self.scaled(v.field, chosen[v.name], stage))
            for v in self.variables
            if v.part == "stage" and v.stage in (None, stage) and v.name in chosen
        ]
        made: StageSpec = make_part(self._parts["stage"], tuple(settings))
        return made

    def _spec(self, chosen: Params) -> Spec:
        """Make the spec of the values of all active variables."""
        stages = [self.stage_of(chosen, i) for i in range(STAGES)]
        self.check_order(stages)
        try:
            spec = Spec(self.part_of("stem", chosen), tuple(stages), self.part_of("head", chosen))
        except InputError as error:
            raise InvalidDesign(str(error)) from None
        side = -(-self.resolution // spec.stem.stride)
        for number, stage in enumerate(spec.stages, start=1):
            self.check_stage(stage, number, side)
            side = -(-side // stage.stride)
        return spec

    def check_order(self, stages: Sequence[StageSpec]) -> None:
        """Check the axes that must not decrease from stage to stage.

        Raises:
            InvalidDesign: one does.
        """
        for field in self.ordered:
            values = [getattr(stage, field) for stage in stages]
            if values != sorted(values):
                raise InvalidDesign(f"{field} must not decrease from stage to stage, but got {values}")

    def placed(self, stage: StageSpec, number: int, in_dim: int, carry: Carry | None, side: int) -> StageSpec:
        """Return a stage as it stands at its place: canonical, and valid by its family's rules and the space's.

        Raises:
            InvalidDesign: a rule does not hold.
        """
        try:
            stage = placed(stage, number, in_dim, carry)
        except InputError as error:
            raise InvalidDesign(str(error)) from None
        self.check_stage(stage, number, side)
        return stage

    def check_stage(self, stage: StageSpec, number: int, side: int) -> None:
        """Check the rules for a stage, counted from 1, that is handed a map of the given side.

        Raises:
            InvalidDesign: a rule does not hold.
        """
        values = {**vars(stage), "side": -(-side // stage.stride), "stage": number}
        for rule in self.rules:
            if not rule.holds(values):
                got = ", ".join(f"{name}={values[name]}" for name in sorted(rule.names))
                raise InvalidDesign(f"stage {number}: {rule.text} must hold, but got {got}")

    def encode(self, spec: Spec) -> Params:
        """Return the params that `decode` turns into the spec.

        Raises:
            InputError: the spec is not in the space; the message names the axis and the value.
        """

        def pick(variable: Variable) -> Any:
            value = self._read(spec, variable)
            if value not in variable.values:
                raise InputError(f"{variable.name} is one of {list(variable.values)}, but got {value!r}")
            return value

        if spec.family != self.config.family:
            raise InputError(f"space {self.name} holds family {self.config.family}, but got {spec.family}")
        params = self.choose(pick)
        if self.decode(params) != spec:
            raise InputError(f"space {self.name} fixes settings that differ in spec {spec.id}")
        return params

    def _read(self, spec: Spec, variable: Variable) -> Any:
        if variable.part != "stage":
            return getattr(getattr(spec, variable.part), variable.field)
        stages = range(STAGES) if variable.stage is None else (variable.stage,)
        values = [self._unscaled(getattr(spec.stages[i], variable.field), variable.field, i) for i in stages]
        # Stages in which a setting means nothing hold the default or "none"; the others agree on its value.
        default = next(f.default for f in fields(self._parts["stage"]) if f.name == variable.field)
        return min(values, key=lambda value: (value not in variable.values, value == default))

    def _unscaled(self, value: Any, field: str, stage: int) -> Any:
        scale = self._scales.get(field)
        return value // scale[stage] if scale and value % scale[stage] == 0 else value

    def __contains__(self, spec: Spec) -> bool:
        try:
            self.encode(spec)
        except InputError:
            return False
        return True

    def draw(
        self, n: int, budget: Budget | str | None = None, seed: int = 0, exclude: Collection[Spec] = ()
    ) -> list[Spec]:
        """Draw distinct specs within a budget; see `vitspace.space.drawing` for how they are distributed.

        Args:
            n: How many.
            budget: A `Budget`, or FLOPs such as ``4G`` or ``3.5G..4G``.
            seed: The same seed draws the same specs.
            exclude: Specs not to draw.

        Raises:
            InputError: nothing fits the budget, or fewer than ``n`` designs were found.
        """
        limit = Budget.parse(budget) if isinstance(budget, str) else budget or Budget()
        return drawing.draw(self, n, limit, np.random.default_rng(seed), exclude)

    def over_budget(self, spec: Spec, budget: Budget) -> str:
        """Say which limit on FLOPs or params the spec breaks, or return an empty string."""
        costs = cost(spec, self.resolution)
        return budget.violation(macs=costs.macs, params=costs.params)

    def check_budget(self, budget: Budget) -> None:
        """Raise InputError where a budget lies beside all designs of the space."""
        drawing.check_budget(self, budget)

    @cached_property
    def smallest(self) -> Spec:
        """A design of least FLOPs, found by lowering one variable after the other."""
        return drawing.extreme(self, lambda costs: costs.macs)

    def neighbours(self, params: Params, variable: Variable) -> Iterator[Params]:
        """Yield the valid params that differ in one variable, and in what depends on it."""
        for value in variable.values:
            if params.get(variable.name, value) == value:
                continue
            candidate = self.choose(_picker(params | {variable.name: value}))
            try:
                self.decode(candidate)
            except InvalidDesign:
                continue
            yield candidate

    def anchors(self, ablations: bool = False) -> list[Anchor]:
        """Return the published rows that are points of the space, each design once, anchors before ablations."""
        roles = ("anchor", "ablation") if ablations else ("anchor",)
        inside: dict[Spec, Anchor] = {}
        for role in roles:
            for row in all_anchors().values():
                if row.role == role and row.spec is not None and row.spec in self:
                    inside.setdefault(row.spec, row)
        return list(inside.values())


def load_space(text: str) -> Space:
    """Load a space by name, or from a path ending in ``.yaml``.

    Raises:
        InputError: no such space, or its file breaks a rule; the message names file and line.
    """
    path = find_yaml(text, "spaces")
    return Space(Path(path).stem, read_yaml(path, SpaceConfig))


def _picker(params: Params) -> Callable[[Variable], Any]:
    return lambda variable: params.get(variable.name, variable.values[0])


@cache
def make_part(cls: Any, values: tuple[tuple[str, Any], ...]) -> Any:
    """Make a part from (field, value) pairs; equal parts are one object."""
    return cls(**dict(values))
