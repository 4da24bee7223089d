"""One architecture as a frozen record of its parts: a stem, stages and a head.

A family describes its parts by subclassing `StemSpec`, `StageSpec` and `HeadSpec`; the subclass is a frozen
dataclass whose fields are the family's axes, and knows how to build its module. Equal specs are the same network:
fields that mean nothing where they stand are reset to their defaults when the spec is made.
"""

import hashlib
import importlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from vitspace.bounds import MOST_STAGES, check_size, most_of
from vitspace.carry import Carry
from vitspace.errors import InputError, shown
from vitspace.files import broken_rule, parse_json
from vitspace.image_sizes import NATIVE_SIZE, ImageSize, format_image_size, ratio_of, scaled
from vitspace.plots.schematic import DrawnStage, draw_svg
from vitspace.sources import sources_of

if TYPE_CHECKING:
    from torch import nn

#: Decorates every part of a family: frozen, types checked, unknown keys refused.
part = pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))

KINDS = ("stem", "stage", "head")
_PARTS: dict[tuple[str, str], type["PartSpec"]] = {}
#: Family -> why it could not be loaded.
_BROKEN: dict[str, str] = {}


@dataclass(frozen=True)
class PartSpec:
    """Base of the three kinds of part.

    Attributes:
        widths: Fields that are channels, beside ``dim``, and what divides them; a narrower network narrows them too.
        cuts: How tensors that designs share are cut, by ``CLASS.NAME``; see `vitspace.sharing.cuts`.
    """

    family: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    widths: ClassVar[Mapping[str, int]] = {}
    cuts: ClassVar[Mapping[str, tuple[int | str, ...]]] = {}

    def __init_subclass__(cls, family: str = "", kind: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.kind = kind or cls.kind
        if family:
            cls.family = family
            _PARTS[cls.kind, family] = cls

    def changed(self, **values: Any) -> Self:
        """Return a copy with the given fields changed."""
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return the family and every field."""
        return {"family": self.family} | {f.name: getattr(self, f.name) for f in fields(self)}

    def identity(self) -> dict[str, Any]:
        """Return the family and the fields that differ from their defaults, so that a new field keeps old ids."""
        values = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.default is MISSING or getattr(self, f.name) != f.default
        }
        return {"family": self.family} | values


class StemSpec(PartSpec, kind="stem"):
    """From the image to the first stage's map."""

    stride: ClassVar[int] = 4

    def out_dim(self, first: "StageSpec") -> int:
        """Channels of the stem's output."""
        return first.dim

    def build(self, out_dim: int, in_chans: int) -> "nn.Module":
        """Return the module [B, in_chans, H, W] -> [B, out_dim, H/4, W/4]."""
        raise NotImplementedError


class StageSpec(PartSpec, kind="stage"):
    """A downsampling and a row of blocks; its module is ``Stage(x, carry | None) -> (x, carry | None)``.

    A subclass has at least the fields ``dim`` (channels), ``depth`` (blocks) and ``downsample`` (``"none"`` in the
    first stage, whose downsampling is the stem's).

    Attributes:
        uniform: Whether all blocks cost the same; otherwise only those between the first and the last do.
        independent: Groups of fields, each with a neutral value, whose costs add up: given all fields outside the
            groups, what one group costs depends on no other. So each group is counted alone. ``in_dim`` may stand in
            one, where blocks do not depend on it; its neutral value is ``dim``.
        counts: Fields that are at least 1, beside ``dim`` and ``depth``.
        follows: Fields that follow the size of the image, in positions of the map, and the least that each becomes.
    """

    uniform: ClassVar[bool] = True
    independent: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    counts: ClassVar[tuple[str, ...]] = ()
    follows: ClassVar[Mapping[str, int]] = {}

    dim: int
    depth: int
    downsample: str

    @property
    def out_dim(self) -> int:
        """Channels put out."""
        return self.dim

    @property
    def stride(self) -> int:
        """How much smaller the map becomes."""
        return 1 if self.downsample == "none" else 2

    @property
    def keeps_dim(self) -> bool:
        """Whether the stage can only put out as many channels as it is handed."""
        return self.downsample == "none"

    def canonical(self, first: bool, carry: Carry | None) -> Self:
        """Return the equal stage with the fields that mean nothing here reset."""
        return self.changed(downsample="none") if first and self.downsample != "none" else self

    def check(self, in_dim: int, carry: Carry | None) -> None:
        """Raise InputError, stating the rule and the values, if the stage cannot be built; families add their rules."""
        for name in ("depth", "dim", *self.counts):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is at least 1, but got {name}={getattr(self, name)}")
        if self.keeps_dim and in_dim != self.dim:
            raise InputError(f"without downsampling dim stays {in_dim}, but got dim={self.dim}")

    def cost_twin(self, carry: Carry | None) -> Self:
        """Return a stage of the same cost, with the fields that cost nothing reset, so that fewer are counted."""
        return self

    def counted_as(self, group: Mapping[str, Any]) -> Self:
        """Return the stage in which the cost that a group adds is counted: what else does not matter to it is reset.

        Args:
            group: One of ``independent``.
        """
        return self

    def carry_out(self, carry: Carry | None) -> Carry | None:
        """What this stage hands on, given what it is handed."""
        return None

    def rescaled(self, ratio: float | Fraction, rounding: Callable[[Any], int] = round) -> Self:
        """Return the stage for an image ``ratio`` times as large: ``follows`` do, and nothing else."""
        changes = {name: scaled(getattr(self, name), least, ratio, rounding) for name, least in self.follows.items()}
        return self.changed(**changes) if changes else self

    def build(self, in_dim: int, carry: Carry | None, drop_path: Sequence[float]) -> "nn.Module":
        """Return the module; ``drop_path`` holds one stochastic-depth rate a block."""
        raise NotImplementedError


class HeadSpec(PartSpec, kind="head"):
    """From the last stage's map and carry to class scores."""

    def build(self, in_dim: int, carry: Carry | None, num_classes: int) -> "nn.Module":
        """Return the module ``(x, carry, pre_logits) -> [B, num_classes]``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Spec:
    """One architecture.

    Raises:
        InputError: a part breaks a rule of its family; the message names the stage, the rule and the values.
    """

    stem: StemSpec
    stages: tuple[StageSpec, ...]
    head: HeadSpec
    carries: tuple[Carry | None, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.stages:
            raise InputError("a network has at least one stage, but got none")
        stages: list[StageSpec] = []
        carries: list[Carry | None] = [None]
        dim = self.stem.out_dim(self.stages[0])
        for number, stage in enumerate(self.stages, start=1):
            stages.append(placed(stage, number, dim, carries[-1]))
            carries.append(stages[-1].carry_out(carries[-1]))
            dim = stages[-1].out_dim
        object.__setattr__(self, "stages", tuple(stages))
        object.__setattr__(self, "carries", tuple(carries))

    @classmethod
    def of_placed(
        cls, stem: StemSpec, stages: tuple[StageSpec, ...], head: HeadSpec, carries: tuple[Carry | None, ...]
    ) -> Self:
        """Make a spec of stages that `placed` returned one after the other, without placing them again."""
        spec = object.__new__(cls)
        for name, value in (("stem", stem), ("stages", stages), ("head", head), ("carries", carries)):
            object.__setattr__(spec, name, value)
        return spec

    @property
    def family(self) -> str:
        """The stages' family, or ``hybrid``."""
        families = {stage.family for stage in self.stages}
        return families.pop() if len(families) == 1 else "hybrid"

    @property
    def depth(self) -> int:
        """Blocks in all stages."""
        return sum(stage.depth for stage in self.stages)

    @cached_property
    def stride(self) -> int:
        """Image pixels a side for one position of the last map."""
        return self.stem.stride * math.prod(stage.stride for stage in self.stages)

    @cached_property
    def in_dims(self) -> tuple[int, ...]:
        """Channels that each stage, and last the head, is handed."""
        return (self.stem.out_dim(self.stages[0]), *(stage.out_dim for stage in self.stages))

    @cached_property
    def id(self) -> str:
        """A short stable hash of what the network is."""
        parts = [part.identity() for part in (self.stem, *self.stages, self.head)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def sources(self) -> str:
        """A digest of the code of its parts' families; see `vitspace.sources`."""
        return sources_of(*sorted({type(part).__module__ for part in (self.stem, *self.stages, self.head)}))

    def rescaled(self, ratio: float | Fraction, rounding: Callable[[Any], int] = round) -> "Spec":
        """Return the spec for an image ``ratio`` times as large; see `StageSpec.rescaled`."""
        return replace(self, stages=tuple(stage.rescaled(ratio, rounding) for stage in self.stages))

    def at(self, img_size: ImageSize, written_for: ImageSize = NATIVE_SIZE) -> "Spec":
        """Return the spec for images of a size: windows, grids and patches follow the shorter side, rounded up.

        No map has more windows along that side than at the size that the spec is written for; it may have fewer, so
        that regions that filled the map leave windows over, which are not shuffled.

        Raises:
            InputError: it is no size, or a window would be larger than any may be.
        """
        spec = self.rescaled(ratio_of(img_size, written_for), math.ceil)
        for stage in spec.stages:
            for name in stage.follows:
                check_size(f"at {format_image_size(img_size)} px {name}", getattr(stage, name), most_of(name))
        return spec

    def written_at(self, img_size: ImageSize) -> "Spec":
        """Return the spec of which `at` makes this one at a size; the one of the largest windows, where several do."""
        return self.rescaled(ratio_of(NATIVE_SIZE, img_size), math.floor)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` reads back."""
        return {
            "stem": self.stem.to_dict(),
            "stages": [stage.to_dict() for stage in self.stages],
            "head": self.head.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Spec":
        """Read what `to_dict` wrote.

        Raises:
            InputError: a key is unknown or missing, or a value breaks a rule.
        """
        if not isinstance(data, Mapping) or set(data) - {"id"} != {"stem", "stages", "head"}:
            got = shown(sorted(map(str, data))) if isinstance(data, Mapping) else type(data).__name__
            raise InputError(f"a spec has the keys stem, stages and head, but got {got}")
        if not isinstance(data["stages"], list):
            raise InputError(f"a spec's stages are a list, but got {shown(data['stages'])}")
        if len(data["stages"]) > MOST_STAGES:
            raise InputError(f"a spec has at most {MOST_STAGES} stages, but got {len(data['stages'])}")
        stages = [parse_part("stage", values, f"stage {i}") for i, values in enumerate(data["stages"], start=1)]
        stem, head = parse_part("stem", data["stem"], "stem"), parse_part("head", data["head"], "head")
        return cls(stem, tuple(stages), head)  # type: ignore[arg-type]

    @property
    def drawing(self) -> str:
        """The stages from left to right, as SVG text."""
        stages = [
            DrawnStage(stage.out_dim, stage.depth, stage.family, stage.stride > 1, carry.kind if carry else "")
            for stage, carry in zip(self.stages, self.carries, strict=False)
        ]
        return draw_svg(stages, self.id)

    def to_json(self) -> str:
        """Return the spec as JSON text."""
        return json.dumps(self.to_dict())

    def _repr_html_(self) -> str:
        """Draw the stages, for a notebook."""
        return f"{self.drawing}<div>spec <code>{self.id}</code>, {self.family}</div>"

    @classmethod
    def from_json(cls, text: str) -> "Spec":
        """Read what `to_json` wrote.

        Raises:
            InputError: the text is not JSON, or not a valid spec.
        """
        try:
            data = parse_json(text)
        except json.JSONDecodeError as error:
            raise InputError(f"a spec is JSON, but line {error.lineno} is not: {error.msg}") from None
        except ValueError as error:
            raise InputError(f"a spec is JSON that can be read, but {error}") from None
        return cls.from_dict(data)


def part_type(kind: str, family: str) -> type[PartSpec]:
    """Return the class that describes a family's stem, stage or head; the families are loaded when one is asked for.

    Raises:
        InputError: no such family is registered.
    """
    if (kind, family) not in _PARTS:
        importlib.import_module("vitspace.families")
    try:
        return _PARTS[kind, family]
    except KeyError:
        if family in _BROKEN:
            raise InputError(_BROKEN[family]) from None
        known = sorted(name for k, name in _PARTS if k == kind)
        raise InputError(f"a family is one of {', '.join(known)}, but got {shown(family)}") from None


def has_part(kind: str, family: str) -> bool:
    """Whether a family's stem, stage or head is registered."""
    return (kind, family) in _PARTS


def mark_broken(family: str, why: str) -> None:
    """Have whoever asks for a family's parts be told why there are none."""
    for kind in KINDS:
        _PARTS.pop((kind, family), None)
    _BROKEN[family] = why


def parse_part(kind: str, values: Mapping[str, Any], where: str) -> PartSpec:
    """Make a part from plain data; ``where`` names it in errors.

    Raises:
        InputError: a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("family"), str):
        raise InputError(f"{where}: a part is a mapping with a family, but got {shown(values)}")
    cls = part_type(kind, values["family"])
    settings = {key: value for key, value in values.items() if key != "family"}
    for name, value in settings.items():
        check_size(f"{where}: {name}", value, most_of(name))
        if name in cls.widths and isinstance(value, int) and value < 1:
            raise InputError(f"{where}: {name} is at least 1, but got {value}")
    try:
        return TypeAdapter(cls).validate_python(settings)
    except ValidationError as error:
        raise InputError(f"{where}: {_first_error(cls, error)}") from None


def placed(stage: StageSpec, number: int, in_dim: int, carry: Carry | None) -> StageSpec:
    """Return a stage as it stands at its place, counted from 1, in a network: canonical and checked.

    Raises:
        InputError: it cannot stand there.
    """
    stage = stage.canonical(number == 1, carry)
    try:
        stage.check(in_dim, carry)
    except InputError as error:
        raise InputError(f"stage {number}: {error}") from None
    return stage


def _first_error(cls: type[PartSpec], error: ValidationError) -> str:
    first = error.errors()[0]
    name = shown(".".join(str(key) for key in first["loc"]))[1:-1]
    known = ", ".join(f.name for f in fields(cls))
    if first["type"] == "unexpected_keyword_argument":
        return f"unknown key {name!r}; known keys: {known}"
    if first["type"].startswith("missing"):
        return f"key {name!r} is missing; known keys: {known}"
    return broken_rule(name, first)
