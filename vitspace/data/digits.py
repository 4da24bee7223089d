"""The 1,797 handwritten digits of 8x8 pixels that are part of scikit-learn."""

import numpy as np
import torch

from vitspace.data._base import DataRequest, Dataset, draw_evenly, resize
from vitspace.errors import InputError, shown

VAL_IMAGES = 500


def check(argument: str) -> None:
    """Raise InputError if there is an argument."""
    if argument:
        raise InputError(f"data 'digits' takes no argument, but got {shown(argument)}")


def native_size(argument: str) -> int:
    """Return the side of an image in pixels."""
    return 8


def load(argument: str, request: DataRequest) -> Dataset:
    """Load the digits; the seed draws the validation images."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = torch.from_numpy(np.rint(bunch.images * (255 / 16)).astype(np.uint8))
    images = pixels[:, None].expand(-1, 3, -1, -1)
    rng = np.random.default_rng([request.seed, 0])
    classes = tuple(str(name) for name in bunch.target_names)
    val = draw_evenly(bunch.target, len(classes), request.max_val or VAL_IMAGES, rng)
    rest = np.setdiff1d(np.arange(len(bunch.target)), val)
    train = rest[draw_evenly(bunch.target[rest], len(classes), request.max_train, rng)]
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    return Dataset(
        name="digits",
        train_images=resize(images[train], request.img_size),
        train_labels=labels[train],
        val_images=resize(images[val], request.img_size),
        val_labels=labels[val],
        classes=classes,
        mirrors=False,
    )
