"""Two photographs that ship with scikit-learn: the real images where a user names none."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageOps
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor

PHOTOGRAPHS = "crops of scikit-learn's china.jpg and flower.jpg"
#: Crops of each photograph: left, top, right, bottom; the first is the whole image.
_BOXES = ((0, 0, 640, 427), (0, 0, 320, 320), (320, 107, 640, 427))


def photographs(
    height: int,
    width: int,
    mean: Sequence[float] = IMAGENET_DEFAULT_MEAN,
    std: Sequence[float] = IMAGENET_DEFAULT_STD,
) -> Tensor:
    """Return six crops, normalised, float32 [6, 3, H, W]."""
    from sklearn.datasets import load_sample_images  # takes a second to import

    images = [Image.fromarray(array) for array in load_sample_images().images]
    crops = [
        ImageOps.fit(image.crop(box), (width, height), Image.Resampling.BICUBIC) for image in images for box in _BOXES
    ]
    pixels = torch.from_numpy(np.stack([np.asarray(crop) for crop in crops])).permute(0, 3, 1, 2) / 255
    return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
