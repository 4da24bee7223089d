"""What of a spec's stages no published network of ours has shown.

Counts over a whole network do not tell. A screening of mixtures found three ways to be overestimated: widths that fall
from one stage to the next, so that a narrow stage earns the credit of wide ones at fewer FLOPs; VT's token transformers
in early stages, half of a network's params at a tenth of its FLOPs, which are counted as a late stage's; and mixtures
of more params for each FLOP than their stages' families have.
"""

from itertools import pairwise

from vitspace.accuracy.features import features
from vitspace.accuracy.guards import LIKE
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.table import numbers_of
from vitspace.costs import cost
from vitspace.image_sizes import ImageSize, mean_side
from vitspace.sized import size_of
from vitspace.spec import NATIVE_SIZE, Spec

#: Largest share of the params that stages at a stride hold together in a published network of ours: EMSNet-T's.
PARAMS_AT = {4: 0.049, 8: 0.117}


def unseen(spec: Spec, img_size: ImageSize = NATIVE_SIZE) -> dict[str, float]:
    """Return what no published network has shown, a sentence each, and how far it is beyond that, relative.

    Args:
        spec: The design.
        img_size: Side of the image, or (height, width), pixels, of a design without a size of its own.
    """
    return _narrowed(spec) | _early(spec, img_size) | _dense(spec, img_size)


def _narrowed(spec: Spec) -> dict[str, float]:
    dims = list(enumerate((stage.out_dim for stage in spec.stages), start=1))
    return {
        f"stage {at} is narrower ({dim}) than stage {before} ({wider}), as in no published network of ours": wider / dim
        - 1
        for (before, wider), (at, dim) in pairwise(dims)
        if dim < wider
    }


def _early(spec: Spec, img_size: ImageSize) -> dict[str, float]:
    counted = cost(spec, size_of(spec, img_size))
    assert counted.counts is not None
    params, stride = dict.fromkeys(PARAMS_AT, 0), spec.stem.stride
    for stage, (depth, count) in zip(spec.stages, counted.counts[1], strict=True):
        stride *= stage.stride
        if stride in params:
            params[stride] += count.deep(depth).params
    shares = {at: held / counted.params for at, held in params.items()}
    return {
        f"{share:.0%} of the params are in stages at stride {at}, where published networks of ours have at most "
        f"{PARAMS_AT[at]:.0%}": share / (LIKE * PARAMS_AT[at]) - 1
        for at, share in shares.items()
        if share > LIKE * PARAMS_AT[at]
    }


def _dense(spec: Spec, img_size: ImageSize) -> dict[str, float]:
    """Hold a mixture's params for each FLOP against what its stages' families have shown, each by its share of FLOPs.

    Of designs of one family the guards do that.
    """
    stages = spec.stages
    known, size = predictor().densest, size_of(spec, img_size)
    families = [stage.family for stage in stages]
    if len(set(families)) == 1 or not set(families) <= known.keys():
        return {}
    counted = cost(spec, size)
    assert counted.counts is not None
    macs = [count.deep(depth).macs for depth, count in counted.counts[1]]
    shown = sum(10 ** known[family] * part for family, part in zip(families, macs, strict=True)) / sum(macs)
    density = 10 ** float(features(numbers_of([counted]), mean_side(size)).columns["density"][0])
    if density <= LIKE * shown:
        return {}
    what = f"params for each FLOP are {density:.3f}, where its stages' families have shown at most {shown:.3f}"
    return {what: density / (LIKE * shown) - 1}
