"""A space at another size of image than its file is written for: the same designs, their windows following the image.

Values of the fields that follow the image (`StageSpec.follows`) become what `Spec.at` makes of them; values that become
equal are one. Rules are held by the values and maps that the file is written for, so that they keep the same designs.
"""

import math
from fractions import Fraction
from typing import Any

from vitspace.bounds import check_size, most_of
from vitspace.image_sizes import ImageSize, format_image_size, plain_size
from vitspace.space.config import AxisConfig, FamilyAxes, SpaceConfig, Values
from vitspace.spec import StageSpec, part_type, ratio_of, scaled


def resized(config: SpaceConfig, img_size: ImageSize) -> SpaceConfig:
    """Return a space file's contents for images of a size.

    Raises:
        InputError: it is no size of images, or a window would be larger than any may be.
    """
    size, ratio = plain_size(img_size), ratio_of(img_size, config.resolution)
    families = {
        name: section.model_copy(update=_Followed([name], ratio, size).updates(section))
        for name, section in config.families.items()
    }
    updates = _Followed(config.names, ratio, size).updates(config) | {"resolution": size}
    return config.model_copy(update=updates | ({"families": families} if families else {}))


def as_written(stage: StageSpec, img_size: ImageSize, written_for: ImageSize) -> StageSpec:
    """Return the stage of which one at a size was made: the largest, where several become that one."""
    ratio = ratio_of(written_for, img_size)
    return stage if ratio == 1 else stage.rescaled(ratio, math.floor)


class _Followed:
    """The axes of families for an image of another size.

    Args:
        families: Whose axes they are.
        ratio: How much larger the image is.
        size: Of the image.
    """

    def __init__(self, families: list[str], ratio: Fraction, size: ImageSize) -> None:
        self.ratio, self.size = ratio, size
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
        return now
