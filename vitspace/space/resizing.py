"""A space at another size of image than its file is written for: the same designs, their windows following the image.

Values of the fields that follow the image (`StageSpec.follows`) become what `Spec.at` makes of them, the default of a
field without an axis too. Values of a stage that become equal are one, which stands for the least of them. Rules are
held by the values and maps that the file is written for, so that they keep the same designs.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from fractions import Fraction
from itertools import product
from typing import Any

from vitspace.bounds import check_size, most_of
from vitspace.image_sizes import ImageSize, format_image_size, plain_size, ratio_of, scaled
from vitspace.space.config import STAGES, AxisConfig, FamilyAxes, SpaceConfig, Values
from vitspace.spec import StageSpec, part_type

#: By family, field and stage from 0, the file's least value for each value at a size.
Before = dict[tuple[str, str, int], dict[int, int]]


@dataclass(frozen=True)
class SpaceFile:
    """What a space's file says of a space at another size.

    Attributes:
        config: The file's contents.
        values: By family, field and stage from 0, the file's least value for each value of the space.
        defaults: By family, (field, value) of the fields whose default follows the image.
    """

    config: SpaceConfig
    values: Mapping[tuple[str, str, int], Mapping[int, int]] = field(default_factory=dict)
    defaults: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def resolution(self) -> ImageSize:
        """The size that the file is written for."""
        return self.config.resolution

    def fields_of(self, stage: StageSpec, number: int) -> dict[str, int]:
        """Return a stage's fields that follow the image as the file has them; stages are numbered from 1."""
        values = {name: self.values.get((stage.family, name, number - 1), {}) for name in stage.follows}
        return {name: known.get(now := getattr(stage, name), now) for name, known in values.items()}


def resized(config: SpaceConfig, img_size: ImageSize) -> tuple[SpaceConfig, SpaceFile]:
    """Return a space file's contents for images of a size, and what it says as it is written.

    Raises:
        InputError: it is no size of images, or a window would be larger than any may be.
    """
    size = plain_size(img_size)
    image = _Image(size, ratio_of(size, config.resolution))
    families = {
        name: section.model_copy(update=_Followed([name], image).updates(section))
        for name, section in config.families.items()
    }
    updates = _Followed(config.names, image).updates(config) | {"resolution": size}
    updates |= {"families": families} if families else {}
    defaults = {family: image.defaults(family) for family in config.names}
    return config.model_copy(update=updates), SpaceFile(config, image.before, defaults)


class _Image:
    """An image of another size, and what the values that follow it were.

    Args:
        size: Of the image.
        ratio: How much larger it is than what the file is written for.

    Attributes:
        before: What each value was.
    """

    def __init__(self, size: ImageSize, ratio: Fraction) -> None:
        self.size, self.ratio = size, ratio
        self.before: Before = {}

    def value(self, name: str, value: int, least: int) -> int:
        """Return what a field's value becomes; those below ``least`` stay.

        Raises:
            InputError: it would be larger than any may be.
        """
        now = scaled(value, least, self.ratio, math.ceil)
        check_size(f"at {format_image_size(self.size)} px {name}", now, most_of(name))
        return now

    def note(self, family: str, name: str, stage: int, now: int, value: int) -> None:
        """Keep what a value was; the least where several became one."""
        known = self.before.setdefault((family, name, stage), {})
        known[now] = min(value, known.get(now, value))

    def defaults(self, family: str) -> dict[str, int]:
        """Return the defaults that follow the image; one is what a value was where no value of an axis became that."""
        part: Any = part_type("stage", family)
        written = {f.name: f.default for f in fields(part) if f.name in part.follows and f.default is not MISSING}
        found = {name: self.value(name, value, part.follows[name]) for name, value in written.items()}
        for name, now in found.items():
            for stage in range(STAGES):
                self.before.setdefault((family, name, stage), {}).setdefault(now, written[name])
        return found


class _Followed:
    """The axes of families for an image of another size.

    Args:
        families: Whose axes they are.
        image: What they follow; it is told what each value was.
    """

    def __init__(self, families: list[str], image: _Image) -> None:
        self.families, self.image = families, image
        self.least: dict[str, int] = {}
        for family in families:
            stage: Any = part_type("stage", family)
            self.least |= stage.follows

    def updates(self, section: FamilyAxes) -> dict[str, Any]:
        """Return what changes in a section: its axes, where it has any."""
        axes = {name: self._axis(name, axis) for name, axis in section.axes.items()}
        return {"axes": axes} if axes else {}

    def _axis(self, name: str, axis: AxisConfig) -> AxisConfig:
        changed: dict[str, Any] = {}
        if axis.when:
            changed["when"] = {other: self._values(other, values) for other, values in axis.when.items()}
        for kind in ("values", "each"):
            if (values := getattr(axis, kind)) is not None:
                changed[kind] = self._values(name, values, range(STAGES))
        if axis.stages is not None:
            changed["stages"] = tuple(
                values and self._values(name, values, (i,)) for i, values in enumerate(axis.stages)
            )
        return axis.model_copy(update=changed)

    def _values(self, name: str, values: Values, stages: Iterable[int] = ()) -> Values:
        """Return what values become, each once; they stand in some stages, or in conditions alone."""
        if name not in self.least:
            return values
        now = [self.image.value(name, value, self.least[name]) for value in values]  # type: ignore[arg-type]
        for family, stage in product(self.families, stages):
            for each, value in zip(now, values, strict=True):
                self.image.note(family, name, stage, each, value)  # type: ignore[arg-type]
        return tuple(dict.fromkeys(now))
