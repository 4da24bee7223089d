"""Images with masks of the classes of their pixels, for a training of segmentation, by torchvision's transforms."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2

from vitspace.data import IGNORED, MOST_RATIO, find_masks, read_mask
from vitspace.errors import InputError, shown
from vitspace.training.goals import Goal, OfPixels
from vitspace.training.images import Images, OnDisk
from vitspace.training.recipe import Recipe

_SOURCE = "masks"
#: Shorter side of a training image before it is cropped, as a share of the crop's; mmsegmentation's range.
SCALES = (0.5, 2.0)


class Masked(OnDisk):
    """Files as pairs of an image and its mask; see `OnDisk`, whose labels are the masks' files here."""

    def _shown(self, image: Image.Image, label: Path) -> tuple[Any, Any]:
        mask = tv_tensors.Mask(torch.from_numpy(read_mask(label).astype(np.int64)))
        return self.transform(tv_tensors.Image(image), mask)


@dataclass(frozen=True, eq=False)
class MaskedImages(Images):
    """Training and validation images with masks; ``train`` and ``val`` are `Masked`.

    Attributes:
        largest_mask: Pixels of the largest mask of validation.
    """

    largest_mask: int = 0

    @property
    def goal(self) -> Goal:
        return OfPixels(len(self.classes))

    def for_training(self, recipe: Recipe) -> Any:
        """Return what makes float32 [3, S, S] and int64 [S, S] of an image and its mask.

        The image is scaled by `SCALES`, cropped at random, mirrored by chance, and its colours are changed. Where it is
        smaller than the crop, the rest has the mean colour and no class.
        """
        low, high = (round(scale * recipe.img_size) for scale in SCALES)
        fill = {tv_tensors.Image: [round(255 * each) for each in self.mean], tv_tensors.Mask: IGNORED}
        jitter = [v2.ColorJitter(*[recipe.color_jitter] * 3)] if recipe.color_jitter else []
        return v2.Compose(
            [
                v2.RandomResize(low, high + 1, InterpolationMode(recipe.interpolation)),
                v2.RandomCrop(recipe.img_size, pad_if_needed=True, fill=fill),
                v2.RandomHorizontalFlip(0.5),
                *jitter,
                *self._ending(),
            ]
        )

    def for_validation(self, recipe: Recipe) -> Any:
        """Return what makes a whole image, its shorter side that of the recipe; the mask stays as it is."""
        resized = v2.Resize(recipe.img_size, InterpolationMode(recipe.interpolation))
        return partial(_whole, resized, v2.Compose(self._ending()))

    def val_batch(self, micro_batch: int) -> int:
        return 1  # images differ in size

    def batch_bytes(self, recipe: Recipe, micro_batch: int) -> int:
        pixels = recipe.img_size**2
        return max(micro_batch * pixels * (3 * 4 + 8), MOST_RATIO * pixels * 3 * 4 + self.largest_mask * 8)

    def crop_pct(self, recipe: Recipe) -> float:
        return 1.0

    def _ending(self) -> list[Any]:
        to_float = v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True)
        return [to_float, v2.Normalize(self.mean, self.std), v2.ToPureTensor()]


def _whole(resized: Any, ending: Any, image: Tensor, mask: Tensor) -> Any:
    return ending(resized(image), mask)


def open_masks(text: str, num_classes: int | None = None) -> MaskedImages:
    """Open ``masks:DIR``; all masks are read.

    Args:
        text: The source.
        num_classes: Classes; None is the masks' largest value and one more.

    Raises:
        InputError: it is another source, or the folder does not hold what it needs; see `vitspace.data.find_masks`.
    """
    name, _, argument = text.partition(":")
    if name != _SOURCE:
        raise InputError(f"data of segmentation is masks:DIR, but got {shown(text)}")
    found = find_masks(argument, num_classes)
    train, val = Masked(found.pairs["train"], stands_in=True), Masked(found.pairs["val"], stands_in=False)
    classes = tuple(map(str, range(found.classes)))
    facts = IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, True
    largest = found.largest["val"]
    return MaskedImages(
        text, train, val, classes, *facts, on_disk=True, passed_over=found.passed_over, largest_mask=largest
    )


def check_recipe(name: str, recipe: Recipe) -> None:
    """Check that a recipe sets nothing that is for labels alone.

    Raises:
        InputError: it does.
    """
    for setting in ("mixup", "cutmix", "auto_augment", "erase", "dropout"):
        if value := getattr(recipe, setting):
            raise InputError(
                f"{setting} is for classification, and {name} has {value}; --recipe segmentation and small are without"
            )
