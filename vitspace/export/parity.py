"""Parity: what an exported file computes, against PyTorch on the same real images."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images
from torch import Tensor

from vitspace.errors import FailureError
from vitspace.export.model import Model

#: Largest error, as a share of the largest score.
TOLERANCE = 1e-3
SOURCE = "crops of scikit-learn's china.jpg and flower.jpg"
#: Boxes cut from each sample image, left, top, right, bottom; the first is the whole.
_BOXES = ((0, 0, 640, 427), (0, 0, 320, 320), (320, 107, 640, 427))

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Parity:
    """How far an exported file is from PyTorch.

    Attributes:
        max_abs_error: Largest difference of a score.
        largest_score: Largest score, in absolute value, that PyTorch gives.
        spread: Largest difference of one class's score from image to image; an error near it would mean nothing.
        same_top1: Share of the images with the same best class.
        images: How many images there were.
        batches: Images at once, in turn: the batch is dynamic.
        source: What the images are.
        runtime: What ran the file.
        tolerance: Largest error allowed, as a share of the largest score.
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

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def sample_images(model: Model) -> Tensor:
    """Return six real images as the model takes them, [6, 3, S, S]."""
    photos = [Image.fromarray(array) for array in load_sample_images().images]
    side = (model.img_size, model.img_size)
    crops = [ImageOps.fit(photo.crop(box), side, Image.Resampling.BICUBIC) for photo in photos for box in _BOXES]
    pixels = torch.from_numpy(np.stack([np.asarray(crop) for crop in crops])).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (model.mean, model.std))
    return (pixels - mean) / std


def check_parity(model: Model, run: Run, runtime: str) -> Parity:
    """Compare an exported file with PyTorch.

    Args:
        model: What was exported.
        run: Runs the file: float32 [B, 3, S, S] -> [B, classes].
        runtime: Its name and version.

    Raises:
        FailureError: they differ by more than `TOLERANCE`, or a score is not finite.
    """
    images, batches = sample_images(model), [1, 2, 3]
    with torch.inference_mode():
        expected = model.network(images).numpy()
    got = np.concatenate([run(part.numpy()) for part in images.split(batches)])
    found = Parity(
        max_abs_error=float(np.abs(got - expected).max()),
        largest_score=float(np.abs(expected).max()),
        spread=float(np.ptp(expected, axis=0).max()),
        same_top1=float((got.argmax(1) == expected.argmax(1)).mean()),
        images=len(images),
        batches=batches,
        source=SOURCE,
        runtime=runtime,
    )
    if not found.max_abs_error <= TOLERANCE * found.largest_score:  # NaN fails too
        raise FailureError(
            f"{runtime} and PyTorch agree to {TOLERANCE:g} of the largest score {found.largest_score:.3g}, but of "
            f"{model.design.name} they differ by {found.max_abs_error:.3g}; nothing is exported"
        )
    return found
