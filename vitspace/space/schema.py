"""Turns a space's axes into specs, and specs into params; it knows no lattice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitspace.costs.handed import Handed
from vitspace.errors import InputError, shown
from vitspace.files import located
from vitspace.image_sizes import ImageSize, format_image_size, plain_size, sides
from vitspace.space.axes import FAMILY, Axes
from vitspace.space.config import STAGES, SpaceConfig
from vitspace.space.resizing import SpaceFile
from vitspace.space.variables import InvalidDesign, Params, Variable
from vitspace.spec import PartSpec, Spec, StageSpec, part_type, placed

if TYPE_CHECKING:
    from vitspace.tasks.dense import DenseTask


class Schema:
    """The axes and rules of a space file, and how they read and write specs.

    Args:
        name: What to call it.
        config: The file's contents.
        path: The file, which errors name.
        written: What the file says, where the space is at another size than it is written for; rules hold there.
        task: The dense task that designs are the backbones of; they cost what they do with its head, at its size of
            image, and stay as they are at ``resolution``. None is classification.

    Attributes:
        variables: The things to choose, each after those it depends on.
        axes: What the file says, checked against the families.
        resolution: Side in pixels of the image, or (height, width), that designs are for, and at which they are costed
            unless the space is for a dense task.

    Raises:
        SpaceError: a family, a field, a value or a name in a condition or rule is unknown, or an axis is missing.
    """

    def __init__(
        self,
        name: str,
        config: SpaceConfig,
        path: Path | None = None,
        written: SpaceFile | None = None,
        task: "DenseTask | None" = None,
    ) -> None:
        self.name, self.config, self.path, self.task = name, config, path, task
        self.resolution: ImageSize = config.resolution
        self.written = written or SpaceFile(config)
        self.axes = Axes(config)
        self.variables = self.axes.variables
        self._of_stage = [[v for v in self.variables if _sets(v, i)] for i in range(STAGES)]

    @property
    def counted_size(self) -> ImageSize:
        """The size of image at which designs are costed."""
        return plain_size(self.task.size) if self.task else self.resolution

    @property
    def where(self) -> str:
        """What designs are costed for, in words: ``at 224 px``."""
        return f"for {self.task}" if self.task else f"at {format_image_size(self.resolution)} px"

    @property
    def families(self) -> list[str]:
        """The families, in order."""
        return self.config.names

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
                raise InputError(f"{variable.name} is one of {list(variable.values)}, but got {shown(value)}")
            return value

        chosen = self._choose_all(pick)
        if left:
            raise InputError(f"params name active axes only, but got {', '.join(sorted(left))}")
        return self._spec(chosen)

    def family_of(self, chosen: Params, stage: int) -> str:
        """Return the family of a stage, numbered from 0."""
        if isinstance(self.config.family, str):
            return self.config.family
        family: str = chosen[f"{FAMILY}.{stage + 1}" if self.config.mixed else FAMILY]
        return family

    def part_of(self, kind: str, chosen: Params) -> Any:
        """Make the stem, of the first stage's family, or the head, of the last one's."""
        cls: Any = part_type(kind, self.family_of(chosen, 0 if kind == "stem" else STAGES - 1))
        settings = [(v.field, chosen[v.name]) for v in self.variables if v.part == kind and v.name in chosen]
        return _make_part(cls, tuple(settings))

    def stage_of(self, chosen: Params, stage: int) -> StageSpec:
        """Make a stage, numbered from 0, from the values of active variables."""
        family = self.family_of(chosen, stage)
        settings = dict(self.written.defaults.get(family, {}))
        settings |= {v.field: v.scaled(chosen[v.name], stage) for v in self._of_stage[stage] if v.name in chosen}
        cls: Any = part_type("stage", family)
        made: StageSpec = _make_part(cls, tuple(settings.items()))
        return made

    def _spec(self, chosen: Params) -> Spec:
        """Make the spec of the values of all active variables."""
        stages = [self.stage_of(chosen, i) for i in range(STAGES)]
        try:
            spec = Spec(self.part_of("stem", chosen), tuple(stages), self.part_of("head", chosen))
        except InputError as error:
            raise InvalidDesign(str(error)) from None
        self._check_order(spec.stages)  # as they stand: what a stage does not use decides nothing
        stride = spec.stem.stride
        for number, stage in enumerate(spec.stages, start=1):
            self._check_stage(stage, number, stride := stride * stage.stride)
        return spec

    def _check_order(self, stages: Sequence[StageSpec]) -> None:
        for before, after in pairwise(stages):
            if falls := self.axes.falls(after, self.axes.ordered_values(before)):
                raise InvalidDesign(falls)

    def placed(self, stage: StageSpec, number: int, handed: Handed) -> StageSpec:
        """Return a stage as it stands at its place: canonical, and valid by its family's rules and the space's.

        Args:
            stage: The stage.
            number: Its number, from 1.
            handed: What it is handed; the shape of a carry does not matter.

        Raises:
            InvalidDesign: a rule does not hold.
        """
        try:
            stage = placed(stage, number, handed.dim, handed.carry)
        except InputError as error:
            raise InvalidDesign(str(error)) from None
        self._check_stage(stage, number, handed.stride * stage.stride)
        return stage

    def _check_stage(self, stage: StageSpec, number: int, stride: int) -> None:
        """Check the rules in a stage whose map has a stride."""
        rules = self.axes.rules[stage.family]
        if not rules:
            return
        side = -(-min(sides(self.written.resolution)) // stride)
        values = vars(stage) | self.written.fields_of(stage, number)
        values |= {"side": side, "stage": number, FAMILY: stage.family}
        for rule in rules:
            try:
                holds = rule.holds(values)
            except InputError as error:
                raise self.located(str(error), *rule.where) from None
            if not holds:
                got = ", ".join(f"{name}={values[name]}" for name in sorted(rule.names))
                raise InvalidDesign(f"stage {number}: {rule.text} must hold, but got {got}")

    def located(self, message: str, *where: Any) -> InputError:
        """Return an error that names the file, and the line to which keys and indices lead."""
        return located(self.path, where, message) if self.path else InputError(message)

    def encode(self, spec: Spec) -> Params:
        """Return the params that `decode` turns into the spec.

        Raises:
            InputError: the spec is not in the space; the message names the axis and the value.
        """

        def pick(variable: Variable) -> Any:
            value, is_default = self._read(spec, variable)
            if value not in variable.values and is_default:
                return variable.values[0]  # it means nothing there
            if value not in variable.values:
                raise InputError(f"{variable.name} is one of {list(variable.values)}, but got {shown(value)}")
            return value

        families = {stage.family for stage in spec.stages}
        if not families <= set(self.families) or (len(families) > 1 and not self.config.mixed):
            raise InputError(f"space {self.name} holds {', '.join(self.families)}, but got {spec.family}")
        if len(spec.stages) != STAGES:
            raise InputError(f"a design of a space has {STAGES} stages, but got {len(spec.stages)}")
        params = self.choose(pick)
        if self.decode(params) != spec:
            raise InputError(f"space {self.name} fixes settings that differ in spec {spec.id}")
        return params

    def _read(self, spec: Spec, variable: Variable) -> tuple[Any, bool]:
        """Return a variable's value in a spec, and whether it is the field's default."""
        if variable.part != "stage":
            part = getattr(spec, variable.part)
            value = getattr(part, variable.field, None)
            return value, value == _default(part, variable.field)
        stages = range(STAGES) if variable.stage is None else (variable.stage,)
        # Stages in which a setting means nothing hold the default or "none"; the others agree on its value.
        found = []
        for i in stages:
            raw = getattr(spec.stages[i], variable.field)
            value = variable.unscaled(raw, i)
            found.append((value, raw == _default(spec.stages[i], variable.field)))
        return min(found, key=lambda pair: (pair[0] not in variable.values, pair[1]))

    def as_written(self, spec: Spec) -> Spec:
        """Return a design as the file has it, for images of `NATIVE_SIZE`, which is how proxies know designs.

        A spec that is not of the space is one that `Spec.at` makes this one; see `Spec.written_at`.
        """
        if self.resolution == self.written.resolution or spec not in self:
            return spec.written_at(self.resolution)
        stages = (
            stage.changed(**self.written.fields_of(stage, number)) for number, stage in enumerate(spec.stages, start=1)
        )
        return replace(spec, stages=tuple(stages)).written_at(self.written.resolution)

    def __contains__(self, spec: Spec) -> bool:
        try:
            self.encode(spec)
        except InputError:
            return False
        return True

    def _repr_html_(self) -> str:
        """Return the axes as a table, for a notebook."""
        rows = "".join(
            f"<tr><td><code>{escape(v.name)}</code></td><td>{escape(', '.join(map(str, v.values)))}</td></tr>"
            for v in self.variables
            if len(v.values) > 1
        )
        size = format_image_size(self.resolution)
        return (
            f"<div>space <b>{escape(self.name)}</b>: {', '.join(self.families)} at {size} px</div>"
            f"<table><thead><tr><th>axis</th><th>values</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _sets(variable: Variable, stage: int) -> bool:
    return variable.part == "stage" and variable.stage in (None, stage) and variable.field != FAMILY


def _default(part: PartSpec, field: str) -> Any:
    return next((f.default for f in fields(part) if f.name == field), None)


@cache
def _make_part(cls: Any, values: tuple[tuple[str, Any], ...]) -> Any:
    """Make a part from (field, value) pairs; equal parts are one object."""
    return cls(**dict(values))
