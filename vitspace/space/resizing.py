"""A space at another size of image than its file is written for: the same designs, their windows following the image.

Values of the fields that follow the image (`StageSpec.follows`) become what `Spec.at` makes of them; values that become
equal are one. Rules are held by the values and maps that the file is written for, so that they keep the same designs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from vitspace.bounds import check_size, most_of
from vitspace.image_sizes import ImageSize, format_image_size, plain_size, ratio_of, scaled
from vitspace.space.config import AxisConfig, FamilyAxes, SpaceConfig, Values
from vitspace.spec import StageSpec, part_type

#: By family and field, the file's first value for each value at a size.
Before = dict[tuple[str, str], dict[int, int]]


@dataclass(frozen=True)
class Written:
    """What a space's file says of a space at another size.

    Attributes:
        resolution: The size that the file is written for.
        values: By family and field, the file's first value for each value of the space.
    """

    resolution: ImageSize
    values: Mapping[tuple[str, str], Mapping[int, int]] = field(default_factory=dict)

    def fields_of(self, stage: StageSpec) -> dict[str, Any]:
        """Return a stage's fields, those that follow the image as the file has them."""
        now = vars(stage)
        before = {name: self.values.get((stage.family, name), {}).get(now[name], now[name]) for name in stage.follows}
        return now | before


def resized(config: SpaceConfig, img_size: ImageSize) -> tuple[SpaceConfig, Written]:
    """Return a space file's contents for images of a size, and what it says as it is written.

    Raises:
        InputError: it is no size of images, or a window would be larger than any may be.
    """
    size, ratio = plain_size(img_size), ratio_of(img_size, config.resolution)
    before: Before = {}
    families = {
        name: section.model_copy(update=_Followed([name], ratio, size, before).updates(section))
        for name, section in config.families.items()
    }
    updates = _Followed(config.names, ratio, size, before).updates(config) | {"resolution": size}
    updates |= {"families": families} if families else {}
    return config.model_copy(update=updates), Written(config.resolution, before)


class _Followed:
    """The axes of families for an image of another size.

    Args:
        families: Whose axes they are.
        ratio: How much larger the image is.
        size: Of the image.
        before: Takes what each value was.
    """

    def __init__(self, families: list[str], ratio: Fraction, size: ImageSize, before: Before) -> None:
        self.families, self.ratio, self.size, self.before = families, ratio, size, before
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
                changed[kind] = self._values(name, values)
        if axis.stages is not None:
            changed["stages"] = tuple(values and self._values(name, values) for values in axis.stages)
        return axis.model_copy(update=changed)

    def _values(self, name: str, values: Values) -> Values:
        if name not in self.least:
            return values
        return tuple(dict.fromkeys(self._value(name, value) for value in values))

    def _value(self, name: str, value: Any) -> int:
        now = scaled(value, self.least[name], self.ratio, math.ceil)
        check_size(f"at {format_image_size(self.size)} px {name}", now, most_of(name))
        for family in self.families:
            self.before.setdefault((family, name), {}).setdefault(now, value)
        return now
