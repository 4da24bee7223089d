"""Batches of a training proxy, made on the device."""

from collections.abc import Iterator

import torch
from timm.data.random_erasing import RandomErasing
from torch import Tensor

from vitspace.data import Dataset
from vitspace.fitting import make_mixup
from vitspace.proxies.recipe import TrainingProxy

_SAMPLE = 1000


class Normalise:
    """uint8 [B, 3, H, W] -> float32, of mean 0 and variance 1 over the training set, channel by channel."""

    def __init__(self, dataset: Dataset, device: torch.device) -> None:
        sample = dataset.train_images[:: max(1, len(dataset.train_images) // _SAMPLE)].float()
        self.mean = sample.mean((0, 2, 3), keepdim=True).to(device)
        self.std = sample.std((0, 2, 3), keepdim=True).clamp(min=1.0).to(device)

    def __call__(self, images: Tensor) -> Tensor:
        return (images.float() - self.mean) / self.std


class TrainBatches:
    """The recipe's batches: pairs of inputs float32 [B, 3, H, W] and targets, int64 [B] or, mixed, [B, classes].

    Shifts and mirrors come from the generator; timm's random erasing and mixup draw from the global generators.
    """

    def __init__(
        self, proxy: TrainingProxy, dataset: Dataset, device: torch.device, generator: torch.Generator
    ) -> None:
        self.proxy, self.generator = proxy, generator
        self.flip = proxy.flip and dataset.mirrors
        self.normalise = Normalise(dataset, device)
        self.images_N3HW, self.labels_N = dataset.train_images.to(device), dataset.train_labels.to(device)
        self.erase = RandomErasing(proxy.erase, mode="pixel", device=device) if proxy.erase else None
        self.mix = make_mixup(proxy.mixup, 0.0, proxy.label_smoothing, len(dataset.classes))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        assert self.proxy.steps is not None
        for rows in draw_rows(len(self.labels_N), self.proxy.batch_size, self.proxy.steps, self.generator):
            yield self.batch(rows, self.generator)

    def batch(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Make the batch of some images, int64 [B]; shifts and mirrors come from the generator."""
        rows = rows.to(self.labels_N.device)
        images, targets = self.images_N3HW[rows], self.labels_N[rows]
        inputs = self.normalise(shift_and_mirror(images, self.proxy.padding, self.flip, generator))
        if self.erase:
            inputs = self.erase(inputs)
        return self.mix(inputs, targets) if self.mix else (inputs, targets)


def draw_rows(count: int, batch_size: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield ``steps`` batches of image numbers, int64 [batch_size]; all images once before any again."""
    waiting = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        while len(waiting) < batch_size:
            waiting = torch.cat([waiting, torch.randperm(count, generator=generator)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def shift_and_mirror(images: Tensor, padding: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Shift each image by up to ``padding`` pixels, repeating its edge, and mirror half: [B, 3, H, W] -> the same.

    Random numbers are drawn on the CPU, so that they are the same on every device.
    """
    B, _, H, W = images.shape
    shift = torch.randint(-padding, padding + 1, (2, B, 1), generator=generator)
    lines = (torch.arange(H) + shift[0]).clamp(0, H - 1)
    columns = (torch.arange(W) + shift[1]).clamp(0, W - 1)
    if flip:
        mirrored = torch.rand(B, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    lines, columns = lines.to(images.device), columns.to(images.device)
    at = torch.arange(B, device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[at, lines[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
