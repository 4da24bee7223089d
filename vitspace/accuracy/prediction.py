"""Estimated ImageNet-1k top-1 of one design, and the difference of two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from vitspace.accuracy.features import SHAPE, Array, Features, features
from vitspace.accuracy.mixing import check_mixing, modes_kept
from vitspace.accuracy.predictor import NORMAL_90, Predictor, predictor
from vitspace.accuracy.stages import unseen
from vitspace.accuracy.table import numbers_of
from vitspace.costs import PartCost, cost
from vitspace.costs.counter import count_network
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, mean_side, sides
from vitspace.sized import plain, size_of
from vitspace.spec import NATIVE_SIZE, Spec
from vitspace.statistics import is_tie
from vitspace.units import format_count

#: Features, where their name does not say it.
_NAMES = {
    "macs": "FLOPs",
    "image": "side of the image",
    "weights": "weight tensors",
    "chain": "operations in a chain",
    "params_at_32": "share of params at stride 32",
    **{f"at_{stride}": f"share of FLOPs at stride {stride}" for stride in (4, 8, 16, 32)},
}
#: Public networks that are named as the nearest.
NEAREST = 5


@dataclass(frozen=True)
class Prediction:
    """Estimated ImageNet-1k top-1 under the usual recipe: about 300 epochs, no teacher, no extra data. Not measured.

    Attributes:
        mean: The estimate, %.
        sd: Its standard deviation, points.
        low80: Lower end of the 80 % interval, %.
        high80: Its upper end.
        low90: Lower end of the 90 % interval, %.
        high90: Its upper end.
        inside: Whether all features are within the range of published networks of similar FLOPs.
        outside: One sentence for each feature outside its range.
        nearest: Names of the nearest public networks.
    """

    mean: float
    sd: float
    low80: float
    high80: float
    low90: float
    high90: float
    inside: bool
    outside: tuple[str, ...]
    nearest: list[str]

    def __str__(self) -> str:
        text = (
            f"estimated ImageNet-1k top-1 {self.mean:.1f} % (90 % interval {self.low90:.1f} to {self.high90:.1f}), "
            f"not a result; nearest public networks: {', '.join(self.nearest)}"
        )
        return text if self.inside else f"{text}; outside of what is known: {'; '.join(self.outside)}"


@dataclass(frozen=True)
class Difference:
    """Estimated top-1 of one design less that of another.

    Attributes:
        mean: Points.
        sd: Its standard deviation, points; errors that both share cancel, so that it is 0 of a design and itself.
    """

    mean: float
    sd: float

    @property
    def tie(self) -> bool:
        """Whether the designs are nearer than one standard deviation of their difference, or equal."""
        return not self.mean or is_tie(self.mean, self.sd)


def predict_top1(design: Spec | nn.Module, img_size: ImageSize = NATIVE_SIZE) -> Prediction:
    """Estimate ImageNet-1k top-1 of a design or of any torch image classifier, trained by the usual recipe.

    It rests on the published results of timm's networks and of our anchors; see docs/accuracy.md for its error. Single
    modules, differences below about a point and mixing without parameters are not seen.

    Args:
        design: A spec; or a network [B, 3, H, W] -> [B, classes], whose weights do not matter. Its head counts as it
            is; ImageNet-1k has 1,000 classes. Whether positions meet is looked at in specs and in networks that have
            ``forward_features``, as timm's.
        img_size: Side of the image, or (height, width), pixels, in training and at the test.

    Raises:
        InputError: ``design`` is neither, positions never meet in it, or it does not take such an image.
    """
    found = summed([design], img_size)[0]
    _check_mixing(design, img_size)
    return found


def difference(a: Spec | nn.Module, b: Spec | nn.Module, img_size: ImageSize = NATIVE_SIZE) -> Difference:
    """Estimate how much more top-1 one design has than another.

    Raises:
        InputError: as `predict_top1`.
    """
    for design in (a, b):
        _check_mixing(design, img_size)
    if _are_equal(a, b, img_size):
        return Difference(0.0, 0.0)
    model = predictor()
    found, families = _subjects([a, b], img_size, model)
    capped = model.guards.capped(found)
    joint = model.joint(capped, families)
    shared = model.shared_noise(capped, families)
    contrast, errors = np.array([1.0, -1.0]), np.exp(joint.mean)
    variance = contrast @ ((joint.covariance + shared) * np.outer(errors, errors)) @ contrast
    beyond = _beyond(model, [a, b], found, img_size)
    widening = 1 + max(total for total, _ in beyond)
    return Difference(float(errors[1] - errors[0]), widening * model.factors[1] / NORMAL_90 * float(variance) ** 0.5)


def tie(a: Spec | nn.Module, b: Spec | nn.Module, img_size: ImageSize = NATIVE_SIZE) -> bool:
    """Whether two designs' estimates are nearer than the standard deviation of their difference.

    Raises:
        InputError: as `predict_top1`.
    """
    return difference(a, b, img_size).tie


def summed(designs: Sequence[Spec | nn.Module], img_size: ImageSize = NATIVE_SIZE) -> list[Prediction]:
    """Estimate several designs from what is counted of them, without a look at their mixing."""
    model = predictor()
    found, families = _subjects(designs, img_size, model)
    capped = model.guards.capped(found)
    joint = model.joint(capped, families)
    beyond = _beyond(model, designs, found, img_size)
    sds = np.sqrt(np.diag(joint.covariance))
    near = _nearest(model, capped)
    return [
        _prediction(float(joint.mean[i]), float(sds[i]) * (1 + total), model, outside, near[i])
        for i, (total, outside) in enumerate(beyond)
    ]


def _are_equal(a: Spec | nn.Module, b: Spec | nn.Module, img_size: ImageSize) -> bool:
    one, other = _spec(a), _spec(b)
    if one is None or other is None:
        return a is b
    return plain(one) == plain(other) and size_of(one, img_size) == size_of(other, img_size)


def _spec(design: Spec | nn.Module) -> Spec | None:
    """Return a design's spec; None of a network that is not ours."""
    found = design if isinstance(design, Spec) else getattr(design, "spec", None)
    return found if isinstance(found, Spec) else None


def _check_mixing(design: Spec | nn.Module, img_size: ImageSize) -> None:
    check_mixing(getattr(design, "spec", design), size_of(design, img_size))


def _prediction(mean: float, sd: float, model: Predictor, outside: tuple[str, ...], near: list[str]) -> Prediction:
    low, high = model.factors
    low80, high80, low90, high90 = (
        100 - float(np.exp(mean + sign * factor * sd)) for factor in (low, high) for sign in (1, -1)
    )
    own = (high90 - low90) / 2 / NORMAL_90
    middle = 100 - float(np.exp(mean))
    middle, low80, high80, low90, high90 = (max(0.0, top1) for top1 in (middle, low80, high80, low90, high90))
    return Prediction(middle, own, low80, high80, low90, high90, not outside, outside, near)


def _subjects(
    designs: Sequence[Spec | nn.Module], img_size: ImageSize, model: Predictor
) -> tuple[Features, np.ndarray]:
    counted = numbers_of([_counted(design, img_size) for design in designs])
    families = np.array([model.family(_family(design)) for design in designs])
    return features(counted, np.array([mean_side(size_of(design, img_size)) for design in designs])), families


def _counted(design: Spec | nn.Module, img_size: ImageSize) -> PartCost:
    if isinstance(design, Spec):
        return cost(design, size_of(design, img_size))
    height, width = sides(img_size)
    if not isinstance(design, nn.Module):
        raise InputError(f"a prediction is of a Spec or a torch module, but got {design!r:.80}")
    outputs: list[Any] = []
    handle = design.register_forward_hook(lambda network, images, output: outputs.append(output))
    try:
        with modes_kept(design):
            counted = count_network(design, 3, height, width)
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        raise InputError(
            f"a classifier takes an image [1, 3, {height}, {width}], but {type(design).__name__} does not: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from None
    finally:
        handle.remove()
    shape = tuple(getattr(outputs[-1], "shape", ()))
    if len(shape) != 2:
        got = f"[{', '.join(map(str, shape))}]" if shape else type(outputs[-1]).__name__
        raise InputError(f"a classifier gives scores [1, classes], but {type(design).__name__} gives {got}")
    return counted


def _family(design: Spec | nn.Module) -> str | None:
    """Return a spec's family, timm's source file of its networks, none of others."""
    spec = _spec(design)
    if spec is not None:
        return spec.family
    home = type(design).__module__
    return home.removeprefix("timm.models.") if home.startswith("timm.models.") else None


def _beyond(
    model: Predictor, designs: Sequence[Spec | nn.Module], found: Features, img_size: ImageSize
) -> list[tuple[float, tuple[str, ...]]]:
    """Return for each design how far it is outside of what is known, and in what, a sentence each.

    An interval is 1 + that times as wide: twice where one feature is a whole width of what is known outside, or what
    stages have twice what is known of them.
    """
    excesses = model.guards.excesses(found)
    beyond = []
    for i, design in enumerate(designs):
        spec = _spec(design)
        stages = unseen(spec, img_size) if spec else {}
        total = sum(float(excess[i]) for excess in excesses.values()) + sum(stages.values())
        beyond.append((total, (*_outside(excesses, found, i), *stages)))
    return beyond


def _outside(excesses: dict[str, Array], found: Features, i: int) -> tuple[str, ...]:
    return tuple(
        f"{_NAMES.get(name, name)} {_shown(name, float(found.columns[name][i]))}, beyond what is known"
        f"{'' if name == 'image' else ' at such FLOPs'} by {float(excess[i]):.2f} times its width"
        for name, excess in excesses.items()
        if excess[i] > 0
    )


def _shown(name: str, value: float) -> str:
    if name == "image":
        return f"{NATIVE_SIZE * 2**value:.0f} px"
    return f"{value:.0%}" if "at_" in name else format_count(10**value)


def _nearest(model: Predictor, capped: Features) -> list[list[str]]:
    """Return for each design the names of the public networks that are nearest in shape, the nearest first."""
    process = model.processes[1]
    known = [i for i, row in enumerate(model.rows) if model.trusted[i] and row.public]
    rows = process.standard(process.inputs.features)[known]
    found = []
    for design in process.standard(capped.of(SHAPE)):
        order = np.argsort(((rows - design) ** 2).sum(axis=1), kind="stable")
        names = dict.fromkeys(model.rows[known[i]].name.partition(".")[0] for i in order[: 4 * NEAREST])
        found.append(list(names)[:NEAREST])
    return found
