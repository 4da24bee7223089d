"""What of a design's stages no published network of ours has shown.

Counts over a whole network do not tell. A screening of mixtures found three ways to be overestimated: widths that fall
from one stage to the next, so that a narrow stage earns the credit of wide ones at fewer FLOPs; VT's token transformers
in early stages, half of a network's params at a tenth of its FLOPs, which are counted as a late stage's; and more
params for each FLOP than the families of its stages have.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vitspace.accuracy.features import Array, Features, features
from vitspace.accuracy.guards import LIKE, PARAMS_AT
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.table import numbers_of
from vitspace.costs import cost
from vitspace.costs.stages import StageCosts
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
        return np.hstack([self.narrowed, self.early, self.dense[:, None]]).sum(axis=1)

    @cached_property
    def narrowed(self) -> Array:
        """By how much a stage is wider than the one behind it, [N, S - 1]."""
        dims = self.stages.dims
        return np.maximum(dims[:, :-1] / dims[:, 1:] - 1, 0)

    @cached_property
    def shares(self) -> Array:
        """Share of the params in stages at each stride of `PARAMS_AT`, [N, strides]."""
        params, strides = self.stages.params, self.stages.strides
        held = [(params * (strides == stride)).sum(axis=1) for stride in PARAMS_AT]
        return np.stack(held, axis=1) / 10 ** self.features.columns["params"][:, None]

    @property
    def early(self) -> Array:
        """How far these shares are beyond `LIKE` times what is published, [N, strides]."""
        return np.maximum(self.shares / (LIKE * np.array(list(PARAMS_AT.values()))) - 1, 0)

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
        f"{share:.0%} of the params are in stages at stride {stride}, where published networks of ours have at most "
        f"{most:.0%}": beyond
        for (stride, most), share, beyond in zip(PARAMS_AT.items(), found.shares[0], found.early[0], strict=True)
    }
    words[
        f"params for each 1,000 FLOPs are {1000 * found.densities[0]:.1f}, where published networks of its stages' "
        f"families have at most {1000 * found.shown[0]:.1f}"
    ] = found.dense[0]
    return {sentence: float(beyond) for sentence, beyond in words.items() if beyond > 0}
