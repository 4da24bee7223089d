"""The cost of a network as the sum of its parts."""

from dataclasses import dataclass, field

from vitspace.costs.breakdown import Breakdown
from vitspace.costs.counter import PartCost
from vitspace.costs.handed import Handed
from vitspace.costs.parts import PartCount, StageCount, count_head, count_stage, count_stem
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, check_stride
from vitspace.spec import Spec

_Counts = tuple[PartCount, list[tuple[int, StageCount]], PartCount]


@dataclass(frozen=True)
class Cost(PartCost):
    """Cost of a network; `breakdown` lists its parts."""

    counts: _Counts | None = field(default=None, repr=False, compare=False)

    def breakdown(self) -> Breakdown:
        """Return (name, cost) of the stem, of each stage's downsampling, tokens and blocks, and of the head.

        The list prints as a table, and its ``frame`` is a pandas data frame.
        """
        if self.counts is None:
            return Breakdown()
        stem, stages, head = self.counts
        parts = [("stem", stem.total)]
        for i, (depth, count) in enumerate(stages, start=1):
            parts += _stage_parts(f"stage {i}", depth, count)
        return Breakdown([*parts, ("head", head.total)])

    def _repr_html_(self) -> str:
        """Return the parts as a table, for a notebook."""
        return Breakdown([*self.breakdown(), ("all", self)])._repr_html_()


def cost(spec: Spec, img_size: ImageSize = 224, num_classes: int = 1000) -> Cost:
    """Count a network for one image; takes microseconds once its parts are known.

    The spec is counted as it is: where windows do not divide a map, its padding is counted, too. `Spec.at` makes the
    spec whose windows follow the image.

    Args:
        spec: The architecture.
        img_size: Side of the image, or (height, width), pixels.
        num_classes: Classes of the classifier.

    Raises:
        InputError: a side of the image is too small or too large, or ``spec`` is no Spec.
    """
    if not isinstance(spec, Spec):
        raise InputError(f"cost takes a Spec, such as vitspace.anchor('msg_tiny').spec, but got {spec!r:.80}")
    stem = count_stem(spec.stem, spec.in_dims[0], check_stride(img_size, spec.stride))
    total, handed, stages = stem.total, Handed(stem.shape, stride=spec.stem.stride), []
    for stage, carry in zip(spec.stages, spec.carries[1:], strict=True):
        count = count_stage(stage, handed)
        handed = count.handed(carry)
        stages.append((stage.depth, count))
        total = total + count.deep(stage.depth)
    head = count_head(spec.head, handed, num_classes)
    total = total + head.total
    return Cost(total.params, total.macs, total.activations, total.attention_macs, total.makeup, (stem, stages, head))


def _stage_parts(name: str, depth: int, count: StageCount) -> list[tuple[str, PartCost]]:
    own = count.total - sum(count.blocks, count.downsample)
    parts = [(f"{name} downsample", count.downsample), (f"{name} tokens", own)]
    parts = [(label, part) for label, part in parts if part != PartCost()]
    blocks = [count.blocks[0], *[count.middle] * (depth - 2), count.blocks[-1]][:depth]
    return parts + [(f"{name} block {j}", block) for j, block in enumerate(blocks, start=1)]
