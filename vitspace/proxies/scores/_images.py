"""Images: what the scores feed a network."""

from functools import cache

import torch
from torch import Tensor

from vitspace.data import load_data


@cache
def images(img_size: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return ``count`` generated fractals, float32 [count, 3, H, W] of mean 0 and variance 1, and their labels."""
    dataset = load_data("fractal", img_size, seed, max_train=count, max_val=1)
    pixels_B3HW = dataset.train_images.float()
    mean, std = pixels_B3HW.mean((0, 2, 3), keepdim=True), pixels_B3HW.std((0, 2, 3), keepdim=True)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return ((pixels_B3HW - mean) / std)[order], dataset.train_labels[order]
