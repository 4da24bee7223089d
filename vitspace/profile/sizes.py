"""What a design costs at a size of images, beside its share by area of what it costs at its own."""

from dataclasses import dataclass
from math import prod

from vitspace.costs import cost
from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, format_image_size, plain_size, sides
from vitspace.spec import Spec
from vitspace.tasks.dense import DenseTask
from vitspace.tasks.pyramid import check_backbone
from vitspace.units import format_count


@dataclass(frozen=True)
class Beside:
    """A design's multiply-adds at one size beside those at the size that it is for.

    Attributes:
        img_size: The size that the design is for, pixels.
        macs: Multiply-adds there.
        share: The same, times how much larger the area of the image is.
        followed: Multiply-adds of the spec whose windows follow the image.
        follows: Which fields of the design follow: ``window 7 to 8``.
    """

    img_size: ImageSize
    macs: int
    share: float
    followed: int
    follows: tuple[str, ...]

    def words(self, macs: int) -> str:
        """Say what multiply-adds at the size are beside the share by area."""
        own = format_image_size(self.img_size)
        text = f"{macs / self.share:.2f} times its share by area ({format_count(self.share)}) of {own} px"
        if self.follows:
            text += f"; it follows the image: {', '.join(self.follows)}"
        elif self.followed < macs:
            text += f", windows padded; following the image (`Spec.at`) it would cost {format_count(self.followed)}"
        return text


@dataclass(frozen=True)
class SizedDesign:
    """A design for images of a size.

    Attributes:
        name: The design's name.
        spec: What is built at the size.
        img_size: Side of the image, or (height, width), pixels.
        beside: What it costs at its own size; None at that.
        task: The dense task that it is the backbone of; None is classification.
    """

    name: str
    spec: Spec
    img_size: ImageSize
    beside: Beside | None = None
    task: DenseTask | None = None

    @classmethod
    def for_task(cls, design: Design, task: DenseTask) -> "SizedDesign":
        """Return a design as the backbone of a dense task, for images of its size; windows stay, and maps are padded.

        Raises:
            InputError: the design has not four stages.
        """
        check_backbone(design.spec)
        return cls(design.name, design.spec, plain_size(task.size), task=task)

    @classmethod
    def of(cls, design: Design, img_size: ImageSize | None) -> "SizedDesign":
        """Return a design for images of a size; None is its own.

        Windows of a published design follow the image; any other spec stays as it is.

        Raises:
            InputError: it is no size of images, or too small for the design.
        """
        own, spec = design.img_size, design.at(img_size).spec
        if img_size is None or img_size == own:
            return cls(design.name, spec, own)
        macs = cost(design.spec, own).macs
        followed = cost(_followed(design.spec, spec, img_size, own), img_size).macs
        share = macs * prod(sides(img_size)) / prod(sides(own))
        return cls(design.name, spec, img_size, Beside(own, macs, share, followed, _changes(design.spec, spec)))


def _followed(written: Spec, built: Spec, img_size: ImageSize, own: ImageSize) -> Spec:
    """Return the spec whose windows follow the image; the one that is built where they do already, or cannot."""
    if built is not written:
        return built
    try:
        return written.at(img_size, own)
    except InputError:  # a window would be larger than any may be
        return built


def _changes(one: Spec, other: Spec) -> tuple[str, ...]:
    """Return the settings that differ between two specs of the same stages, each once."""
    pairs = (
        (name, getattr(a, name), getattr(b, name))
        for a, b in zip(one.stages, other.stages, strict=True)
        for name in a.follows
    )
    return tuple(dict.fromkeys(f"{name.replace('_', ' ')} {a} to {b}" for name, a, b in pairs if a != b))
