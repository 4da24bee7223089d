"""Exported files compared with PyTorch on the same real images."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitspace.errors import FailureError, InputError
from vitspace.export.model import ExportedModel
from vitspace.image_sizes import format_image_size, sides
from vitspace.latency.photographs import PHOTOGRAPHS, photographs
from vitspace.training.images import Images, open_images, val_batches
from vitspace.training.recipe import Recipe
from vitspace.words import ordinal

#: Largest error allowed, as a share of the largest score.
TOLERANCE = 1e-3
Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Parity:
    """Differences between the scores of an exported file and of PyTorch.

    Attributes:
        max_abs_error: Largest difference of a score.
        largest_score: Largest score, in absolute value, that PyTorch gives.
        spread: Largest difference of one class's score between images; a meaningful error is far below it. Of
            segmentation it is that at every eighth row and column.
        same_top1: Share of the images with the same best class, or of their pixels.
        images: Number of images.
        batches: Batch sizes that were run, since the batch is dynamic.
        source: Name of the images.
        runtime: Name and version of the program that ran the file.
        tolerance: Largest error allowed, as a share of the largest score.
        top1: Accuracy of the file on the images in %, if the classes of the weights are known.
        torch_top1: Accuracy of PyTorch on them.
    """

    max_abs_error: float
    largest_score: float
    spread: float
    same_top1: float
    images: int
    batches: list[int]
    source: str
    runtime: str
    tolerance: float = TOLERANCE
    top1: float | None = None
    torch_top1: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class ParityImages:
    """Real images, normalised for a model.

    Attributes:
        images: float32 [N, 3, H, W].
        source: Name of the images.
        labels: int64 [N], if they are numbers of the model's classes.
        calibration: Images whose ranges int8 is scaled to; None where these are the same.
    """

    images: Tensor
    source: str
    labels: Tensor | None = None
    calibration: "ParityImages | None" = None


def parity_images(model: ExportedModel, data: str = "", count: int = 256, calibrate: bool = False) -> ParityImages:
    """Return images to compare on: scikit-learn's, or evenly spaced validation images of a source of data.

    Args:
        model: The network that is compared.
        data: A data set, as `vitspace.data.load_data` reads it.
        count: At most so many validation images.
        calibrate: Whether as many of its training images are to calibrate int8.

    Raises:
        InputError: there is no such source, its folder does not hold what it needs, the images are no squares, or the
            network is no classifier.
    """
    if not data:
        return ParityImages(sample_images(model), PHOTOGRAPHS)
    if not model.is_classifier:
        raise InputError(f"--data are images of classification; {model.task} is compared on two photographs without it")
    if not isinstance(model.img_size, int):
        raise InputError(
            f"--data are square images, but the export is for {format_image_size(model.img_size)}; without --data it "
            "is compared on two photographs"
        )
    # Generated or split as in training: otherwise training images could be among the validation images.
    found = open_images(data, model.img_size, model.facts.get("seed", 0))
    found = replace(found, mean=tuple(model.mean), std=tuple(model.std))
    shown = _spaced(model, found, "validation", count)
    if not calibrate:
        return shown
    return replace(shown, calibration=_spaced(model, replace(found, val=found.train), "training", count))


def _spaced(model: ExportedModel, found: Images, split: str, count: int) -> ParityImages:
    """Return at most ``count`` of what ``found`` validates on, evenly spaced, which are called its ``split`` images."""
    step = -(-len(found.val) // count)
    resizing = {name: model.facts[name] for name in ("crop_pct", "interpolation") if name in model.facts}
    batches = list(val_batches(found, Recipe(img_size=model.img_size, **resizing), 32, step=step))
    if not batches:
        raise InputError(f"an export is compared on images, but none of those drawn from {found.name} can be read")
    images, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    known = list(found.classes) == model.facts.get("classes")
    which = "" if step == 1 else f"every {ordinal(step)} of "
    return ParityImages(images, f"{which}the {split} images of {found.name}", labels if known else None)


def sample_images(model: ExportedModel) -> Tensor:
    """Return six real images, normalised for a model, [6, 3, H, W]; three for segmentation: its scores are large."""
    images = photographs(*sides(model.img_size), model.mean, model.std)
    return images if model.is_classifier else images[::2]


def check_parity(model: ExportedModel, shown: ParityImages, run: Run, runtime: str) -> Parity:
    """Compare an exported file with PyTorch.

    Args:
        model: The network that was exported.
        shown: The images.
        run: Runs the file: float32 [B, 3, H, W] -> [B, classes], of segmentation [B, classes, H, W].
        runtime: Its name and version.

    Raises:
        FailureError: they differ by more than `TOLERANCE`, or a score is not finite.
    """
    errors, largest, shares, best = [], [], [], []
    for expected, got in _by_batch(model, shown, run):
        errors.append(np.abs(got - expected).max())
        largest.append(np.abs(expected).max())
        shares.append(expected[..., ::8, ::8].copy() if expected.ndim == 4 else expected)
        best.append((got.argmax(1), expected.argmax(1)))
    own, torchs = (np.concatenate(classes) for classes in zip(*best, strict=True))
    found = Parity(
        max_abs_error=float(np.max(errors)),
        largest_score=float(np.max(largest)),
        spread=float(np.ptp(np.concatenate(shares), axis=0).max()),
        same_top1=float((own == torchs).mean()),
        images=len(shown.images),
        batches=sorted(set(_batches(len(shown.images)))),
        source=shown.source,
        runtime=runtime,
        top1=top1(own, shown.labels),
        torch_top1=top1(torchs, shown.labels),
    )
    if not found.max_abs_error <= TOLERANCE * found.largest_score:  # NaN fails too
        raise FailureError(
            f"{runtime} and PyTorch agree to {TOLERANCE:g} of the largest score {found.largest_score:.3g}, but of "
            f"{model.design.name} they differ by {found.max_abs_error:.3g}; nothing is exported"
        )
    return found


def scores(model: ExportedModel, shown: ParityImages, run: Run) -> tuple[Floats, Floats]:
    """Return the scores of PyTorch and of an exported file, in batches of several sizes, [N, classes]."""
    expected, got = zip(*_by_batch(model, shown, run), strict=True)
    return np.concatenate(expected), np.concatenate(got)


def _by_batch(model: ExportedModel, shown: ParityImages, run: Run) -> Iterator[tuple[Floats, Floats]]:
    for part in shown.images.split(_batches(len(shown.images))):
        with torch.inference_mode():
            expected = model.network(part).numpy()
        yield expected, run(part.numpy())


def _batches(images: int) -> list[int]:
    """Return batch sizes that add up to the number of images: 1, 2, 3, then 32 at a time."""
    sizes = [1, 2, 3]
    while sum(sizes) > images:
        sizes.pop()
    rest = images - sum(sizes)
    return sizes + [32] * (rest // 32) + ([rest % 32] if rest % 32 else [])


def top1(best: NDArray[np.int64], labels: Tensor | None) -> float | None:
    """Return the share of images whose label is the class of the best score, in %; None without labels."""
    return None if labels is None else 100 * float((best == labels.numpy()).mean())
