"""The space file: what a YAML in ``spaces/`` may say."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from vitspace.bounds import MOST_CHANNELS
from vitspace.errors import InputError, shown
from vitspace.image_sizes import ImageSize, parse_image_size, plain_size
from vitspace.space.rules import Rule

STAGES = 4
#: Classes that the head of a design is costed with.
CLASSES = 1000
#: Values of an axis, characters of one, digits of a numerator.
_MOST_VALUES, _LONGEST, _DIGITS = 1000, 100, 16


class SpaceError(InputError):
    """What a space file says is at odds with its families, or with itself.

    Args:
        message: The rule and the values.
        where: Keys and indices that lead to the place in the file.
    """

    def __init__(self, message: str, *where: Any) -> None:
        super().__init__(message)
        self.where = where


def _number(value: Any) -> Any:
    """Read ``1/64`` as a number; leave anything else."""
    if isinstance(value, str):
        top, slash, bottom = value.partition("/")
        if slash and max(len(top), len(bottom)) < _DIGITS and top.strip().isdecimal() and bottom.strip().isdecimal():
            return int(top) / int(bottom) if int(bottom) else value
    return value


def _bounded(value: Any) -> Any:
    """Return a value that a design can have."""
    if isinstance(value, int | float) and not abs(value) <= MOST_CHANNELS:
        raise ValueError(f"values are finite and at most {MOST_CHANNELS}, but got {shown(value)}")
    if isinstance(value, str) and len(value) > _LONGEST:
        raise ValueError(f"values are texts of at most {_LONGEST} characters, but got {shown(value)}")
    return value


Value = Annotated[bool | int | float | str, BeforeValidator(_number), AfterValidator(_bounded)]
Values = Annotated[tuple[Value, ...], Field(min_length=1, max_length=_MOST_VALUES)]
Condition = dict[str, Values]


def _resolution(value: Any) -> ImageSize:
    return plain_size(parse_image_size(value) if isinstance(value, str) else value)


Resolution = Annotated[int | tuple[int, int], BeforeValidator(_resolution)]


class AxisConfig(BaseModel):
    """One axis: its values, in order, and where they apply.

    Exactly one of ``values`` (one value for all stages), ``each`` (every stage draws its own) and ``stages`` (every
    stage draws from its own list; null keeps the field's default) is given. ``scale`` multiplies stage by stage,
    ``when`` names the values of other axes under which this one is drawn, ``order`` ties a stage to the one before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: Values | None = None
    each: Values | None = None
    stages: tuple[Values | None, ...] | None = None
    scale: tuple[Annotated[int, Field(ge=1, le=64)], ...] | None = None
    when: Condition = {}
    order: Literal["any", "non_decreasing"] = "any"

    @model_validator(mode="after")
    def _check(self) -> Self:
        kinds = [kind for kind in ("values", "each", "stages") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"an axis has exactly one of values, each and stages, but got {kinds or 'none'}")
        for name in ("stages", "scale"):
            if (given := getattr(self, name)) is not None and len(given) != STAGES:
                raise ValueError(f"{name} has one entry a stage, {STAGES}, but got {len(given)}")
        for values in [self.values, self.each, *(self.stages or ())]:
            if values is not None and len(set(values)) != len(values):
                raise ValueError(f"an axis lists each value once, but got {shown(list(values))}")
        if self.scale and any(type(v) is not int for vs in (self.values, *(self.per_stage or ())) for v in vs or ()):
            raise ValueError("scale multiplies whole numbers, but the axis has other values")
        if self.order != "any" and self.values is not None:
            raise ValueError("order ties the values of stages, but this axis has one value for all")
        return self

    @property
    def per_stage(self) -> tuple[Values | None, ...] | None:
        """The values of every stage, or None for one value."""
        return (self.each,) * STAGES if self.each is not None else self.stages


class FamilyAxes(BaseModel):
    """What belongs to one family of several: its axes, and rules that hold in its stages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    axes: dict[str, AxisConfig] = {}
    rules: tuple[str, ...] = ()

    @field_validator("axes", mode="before")
    @classmethod
    def _plain_lists(cls, axes: Any) -> Any:
        if not isinstance(axes, dict):
            return axes
        for name, axis in axes.items():
            if axis is None or isinstance(axis, str | int | float):
                name, axis = (str(each)[:_LONGEST] for each in (name, axis))
                raise ValueError(f"an axis is a list or a mapping, such as {name}: [{axis}], but got {name}: {axis}")
        return {name: {"values": axis} if isinstance(axis, list) else axis for name, axis in axes.items()}

    @field_validator("rules")
    @classmethod
    def _rules(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        for rule in rules:
            try:
                Rule(rule)
            except InputError as error:
                raise ValueError(str(error)) from None
        return rules


class SpaceConfig(FamilyAxes):
    """A space file.

    ``family`` is a name; or an axis of names: a list (one family for all stages), ``each`` or ``stages`` (a family a
    stage). ``axes`` are those of the one family, or those that all families share; ``families`` holds each one's own.
    ``resolution`` is the side of the image in pixels, or ``192x256``, at which designs are costed. ``rules`` hold in
    every stage.
    """

    family: str | AxisConfig
    resolution: Resolution = 224
    families: dict[str, FamilyAxes] = {}

    @field_validator("family", mode="before")
    @classmethod
    def _family(cls, family: Any) -> Any:
        return {"values": family} if isinstance(family, list) else family

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.family, str):
            if self.families:
                raise ValueError(f"families holds what belongs to one of several, but family is {self.family!r} alone")
            if not self.axes:
                raise ValueError("a space has at least one axis, but axes is empty")
        elif unknown := self.families.keys() - set(self.names):
            raise ValueError(f"families holds {', '.join(self.names)}, but got {', '.join(sorted(unknown))}")
        return self

    @property
    def names(self) -> list[str]:
        """The families, in order."""
        if isinstance(self.family, str):
            return [self.family]
        lists = [self.family.values, *(self.family.per_stage or ())]
        return list(dict.fromkeys(str(name) for values in lists for name in values or ()))

    @property
    def mixed(self) -> bool:
        """Whether every stage draws its own family."""
        return not isinstance(self.family, str) and self.family.per_stage is not None
