"""A spec for images of one size, which designs of several sizes are told apart by."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from vitspace.image_sizes import ImageSize, format_image_size, plain_size
from vitspace.spec import NATIVE_SIZE, Spec


@dataclass(frozen=True)
class SizedSpec(Spec):
    """A spec for images of one size, as searches over several sizes have them; it is equal to no spec without a size.

    Its plain data are those of the spec; who stores it stores ``img_size`` beside them.

    Attributes:
        img_size: Side of the image, or (height, width), pixels.
    """

    img_size: ImageSize = NATIVE_SIZE

    @classmethod
    def of(cls, spec: Spec, img_size: ImageSize) -> Self:
        """Return a spec for images of a size; its windows stay as they are.

        Raises:
            InputError: it is no size of images.
        """
        sized = cls.of_placed(spec.stem, spec.stages, spec.head, spec.carries)
        object.__setattr__(sized, "img_size", plain_size(img_size))
        return sized

    @cached_property
    def plain(self) -> Spec:
        """The spec without its size."""
        return Spec.of_placed(self.stem, self.stages, self.head, self.carries)

    @cached_property
    def id(self) -> str:
        """The spec's id and the size: ``3a45f1c07b2d@192x256``."""
        return f"{self.plain.id}@{format_image_size(self.img_size)}"


def size_of(design: object, otherwise: ImageSize) -> ImageSize:
    """Return the size of image that a design is for, and ``otherwise`` of one that does not say."""
    return design.img_size if isinstance(design, SizedSpec) else otherwise


def plain(spec: Spec) -> Spec:
    """Return a spec without a size."""
    return spec.plain if isinstance(spec, SizedSpec) else spec
