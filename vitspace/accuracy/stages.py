"""What of a design's stages no published network of ours has shown.

Counts over a whole network do not tell. Screenings found five ways to be overestimated: widths that fall from one stage
to the next, so that a narrow stage earns the credit of wide ones at fewer FLOPs; widths that grow fourfold, for the
same; a thin second stage, of one narrow block; VT's token transformers in early stages, half of a network's params at
a tenth of its FLOPs, which are counted as a late stage's; and more params for each FLOP than the families of its stages
have.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vitspace.accuracy.features import Array, Features, features
from vitspace.accuracy.guards import LIKE, MACS_AT, PARAMS_AT, STEP
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.table import numbers_of
from vitspace.costs import cost
from vitspace.costs.stages import Ints, StageCosts
from vitspace.image_sizes import ImageSize, mean_side
from vitspace.sized import size_of
from vitspace.spec import NATIVE_SIZE, Spec


@dataclass(frozen=True)
class Unseen:
    """How far N designs of S stages are beyond what published networks of ours have shown, relative to that.

    Attributes:
        stages: Of the designs.
        features: Of the designs.
    """

    stages: StageCosts
    features: Features

    @property
    def total(self) -> Array:
        """The sum of all, [N]."""
        return np.hstack([self.narrowed, self.grown, self.thin, self.early, self.dense[:, None]]).sum(axis=1)

    @cached_property
    def steps(self) -> Array:
        """Width of a stage over that of the one before it, [N, S - 1]."""
        return self.stages.dims[:, 1:] / self.stages.dims[:, :-1]

    @cached_property
    def narrowed(self) -> Array:
        """By how much a stage is wider than the one behind it, [N, S - 1]."""
        return np.maximum(1 / self.steps - 1, 0)

    @cached_property
    def grown(self) -> Array:
        """How far the steps are beyond `LIKE` times what is published, [N, S - 1]."""
        return np.maximum(self.steps / (LIKE * STEP) - 1, 0)

    @cached_property
    def macs(self) -> Array:
        """Share of the FLOPs in stages at each stride of `MACS_AT`, [N, strides]."""
        return self._held(self.stages.macs, MACS_AT) / np.maximum(self.stages.macs.sum(axis=1)[:, None], 1)

    @cached_property
    def thin(self) -> Array:
        """How far these shares are below what is published over `LIKE`, at most 1, [N, strides]."""
        return np.maximum(1 - LIKE * self.macs / np.array(list(MACS_AT.values())), 0)

    @cached_property
    def params(self) -> Array:
        """Share of the params in stages at each stride of `PARAMS_AT`, [N, strides]."""
        return self._held(self.stages.params, PARAMS_AT) / 10 ** self.features.columns["params"][:, None]

    @cached_property
    def early(self) -> Array:
        """How far these shares are beyond `LIKE` times what is published, [N, strides]."""
        return np.maximum(self.params / (LIKE * np.array(list(PARAMS_AT.values()))) - 1, 0)

    def _held(self, counted: Ints, strides: Iterable[int]) -> Array:
        """Return what of a count, [N, S], the stages at each stride hold together, [N, strides]."""
        return np.stack([(counted * (self.stages.strides == stride)).sum(axis=1) for stride in strides], axis=1)

    @cached_property
    def shown(self) -> Array:
        """Params for each FLOP that the families of the stages have shown, each by its share of the FLOPs, [N].

        A family without published networks has shown what any of ours has.
        """
        known, macs = predictor().densest, self.stages.macs
        most = np.array([10 ** known.get(name, max(known.values())) for name in self.stages.names])
        return (most[self.stages.families] * macs).sum(axis=1) / np.maximum(macs.sum(axis=1), 1)

    @property
    def densities(self) -> Array:
        """Params for each FLOP of an image of 224 px, [N]."""
        return 10 ** self.features.columns["density"]

    @property
    def dense(self) -> Array:
        """How far these are beyond `LIKE` times what is shown, [N]."""
        return np.maximum(self.densities / (LIKE * self.shown) - 1, 0)


def unseen(spec: Spec, img_size: ImageSize = NATIVE_SIZE) -> dict[str, float]:
    """Return what no published network has shown, a sentence each, and how far a design is beyond that, relative.

    Args:
        spec: The design.
        img_size: Side of the image, or (height, width), pixels, of a design without a size of its own.
    """
    size = size_of(spec, img_size)
    found = Unseen(StageCosts.of(spec, size), features(numbers_of([cost(spec, size)]), mean_side(size)))
    dims = found.stages.dims[0].tolist()
    words = {
        f"stage {at + 2} is narrower ({dims[at + 1]}) than stage {at + 1} ({dims[at]}), as in no published network of "
        "ours": found.narrowed[0, at]
        for at in range(len(dims) - 1)
    }
    words |= {
        f"stage {at + 2} is {step:.1f} times as wide ({dims[at + 1]}) as stage {at + 1} ({dims[at]}), where published "
        f"networks of ours at most double": beyond
        for at, (step, beyond) in enumerate(zip(found.steps[0], found.grown[0], strict=True))
    }
    words |= {
        f"{share:.1%} of the FLOPs are in stages at stride {stride}, where published networks of ours have at least "
        f"{least:.1%}": beyond
        for (stride, least), share, beyond in zip(MACS_AT.items(), found.macs[0], found.thin[0], strict=True)
    }
    words |= {
        f"{share:.0%} of the params are in stages at stride {stride}, where published networks of ours have at most "
        f"{most:.0%}": beyond
        for (stride, most), share, beyond in zip(PARAMS_AT.items(), found.params[0], found.early[0], strict=True)
    }
    words[
        f"params for each 1,000 FLOPs are {1000 * found.densities[0]:.1f}, where published networks of its stages' "
        f"families have at most {1000 * found.shown[0]:.1f}"
    ] = found.dense[0]
    return {sentence: float(beyond) for sentence, beyond in words.items() if beyond > 0}
