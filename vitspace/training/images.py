"""Images of a full training: read from disk as they are needed, or from a set in memory, through timm's transforms."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, create_transform
from timm.data.auto_augment import RandAugment
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, Subset
from torch.utils.data import Dataset as TorchDataset

from vitspace.data import check_data, kept_size, load_data, read_image, resize
from vitspace.data.imagefolder import find_images
from vitspace.errors import InputError
from vitspace.training.goals import Goal, OfImages
from vitspace.training.loading import HERE, Loading, loaded, shared_flags
from vitspace.training.processes import ProcessGroup
from vitspace.training.recipe import Recipe

_FOLDER = "imagefolder"
_SAMPLE = 1000
_log = logging.getLogger(__name__)


class InMemory(TorchDataset):
    """A set in memory, uint8 [N, 3, H, W], as pairs of an image, resized when it is asked for, and a label."""

    def __init__(self, images: Tensor, labels: Tensor, img_size: int) -> None:
        self.images, self.labels, self.img_size = images, labels, img_size
        self.transform: Any = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = Image.fromarray(resize(self.images[index : index + 1], self.img_size)[0].permute(1, 2, 0).numpy())
        return self.transform(image) if self.transform else image, int(self.labels[index])


class OnDisk(TorchDataset):
    """Files as pairs of an image and a label. One that cannot be read is named in the log, once, and counted.

    Args:
        files: The files, each with its label.
        stands_in: Whether the next image stands in for one that cannot be read, so that batches stay whole; else it is
            None.
    """

    def __init__(self, files: Sequence[tuple[Path, Any]], stands_in: bool) -> None:
        self.files, self.stands_in = list(files), stands_in
        self.transform: Any = None
        self._broken = shared_flags(len(self.files))  # loading processes mark it too

    @property
    def is_shared(self) -> bool:
        """Whether loading processes can mark a file."""
        return self._broken.is_shared()

    @property
    def skipped(self) -> int:
        """How many files could not be read so far."""
        return int(self._broken.sum())

    def share_skipped(self, place: ProcessGroup) -> None:
        """Mark the files that any process could not read."""
        self._broken |= place.total(self._broken.int().to(place.device)).bool().cpu()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Any, Any] | None:
        for step in range(len(self) if self.stands_in else 1):
            at = (index + step) % len(self)
            if (image := self._read(at)) is not None:
                return self._shown(image, self.files[at][1])
        if self.stands_in:
            raise InputError(f"images are trained on that can be read, but none of {len(self)} can")
        return None

    def _shown(self, image: Image.Image, label: Any) -> tuple[Any, Any]:
        return self.transform(image) if self.transform else image, label

    def _read(self, index: int) -> Image.Image | None:
        path = self.files[index][0]
        try:
            return read_image(path)
        except Exception as error:  # a broken file makes Pillow's readers raise almost anything
            if not self._broken[index]:
                _log.warning("skipped %s, which cannot be read: %s", repr(str(path))[1:-1], error)
            self._broken[index] = True
            return None


@dataclass(frozen=True, eq=False)
class Images:
    """Training and validation images.

    Attributes:
        name: As on the command line.
        train: Pairs of a PIL image and a label; its ``transform`` is to be set.
        val: The same for validation.
        classes: Names of the classes.
        mean: Of each channel, pixels being from 0 to 1.
        std: Standard deviation of each channel.
        mirrors: Whether a mirrored image keeps its class.
        on_disk: Whether images are decoded each time.
        passed_over: How many visible files of a folder are not taken, since they are no images.
    """

    name: str
    train: Any
    val: Any
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirrors: bool
    on_disk: bool
    passed_over: int = 0

    @property
    def goal(self) -> Goal:
        """The loss and the measure."""
        return OfImages(len(self.classes))

    def for_training(self, recipe: Recipe) -> Any:
        """Return what makes a training image of a PIL image."""
        transform = create_transform(
            recipe.img_size,
            is_training=True,
            hflip=0.5 if self.mirrors else 0.0,
            color_jitter=recipe.color_jitter,
            auto_augment=recipe.auto_augment,
            interpolation=recipe.interpolation,
            mean=self.mean,
            std=self.std,
            re_prob=recipe.erase,
            re_mode="pixel",
        )
        _keep_a_bit(transform)
        return transform

    def for_validation(self, recipe: Recipe) -> Any:
        """Return what makes a validation image of a PIL image."""
        settings: dict[str, Any] = {"mean": self.mean, "std": self.std, "crop_pct": self.crop_pct(recipe)}
        return create_transform(recipe.img_size, interpolation=recipe.interpolation, **settings)

    def val_batch(self, micro_batch: int) -> int:
        """Return how many images are validated at once."""
        return min(256, 2 * micro_batch)

    def batch_bytes(self, recipe: Recipe, micro_batch: int) -> int:
        """Return the bytes of the largest batch."""
        return max(micro_batch, self.val_batch(micro_batch)) * (3 * recipe.img_size**2 * 4 + 8)

    @property
    def skipped(self) -> dict[str, int]:
        """How many files of each split could not be read so far: none of a set in memory, which is read before."""
        return {"train": self.train.skipped, "val": self.val.skipped} if self.on_disk else {"train": 0, "val": 0}

    @property
    def is_shared(self) -> bool:
        """Whether loading processes can note what they skip."""
        return not self.on_disk or (self.train.is_shared and self.val.is_shared)

    def share_skipped(self, place: ProcessGroup) -> None:
        """Count the files that any process could not read."""
        for split in (self.train, self.val) if self.on_disk and place.world > 1 else ():
            split.share_skipped(place)

    def normalised(self, facts: dict[str, Any]) -> "Images":
        """Return the images with the mean and the standard deviation that weights or a state tell, if they do."""
        if not (facts.get("mean") and facts.get("std")):
            return self
        return replace(self, mean=tuple(facts["mean"]), std=tuple(facts["std"]))

    def crop_pct(self, recipe: Recipe) -> float:
        """Share of a validation image that is looked at: all of one in memory, which was cropped before."""
        return recipe.crop_pct if self.on_disk else 1.0


def open_images(text: str, img_size: int, seed: int = 0) -> Images:
    """Open a source of data; a folder of images stays on the disk, all others are loaded.

    Args:
        text: As `vitspace.data.load_data` reads it.
        img_size: Side of the image in pixels.
        seed: Of what is generated or split.

    Raises:
        InputError: there is no such source, or its folder does not hold what it needs.
    """
    name, _, argument = text.partition(":")
    if name != _FOLDER:
        loaded = load_data(text, kept_size(text, img_size), seed)
        train = InMemory(loaded.train_images, loaded.train_labels, img_size)
        val = InMemory(loaded.val_images, loaded.val_labels, img_size)
        sample = resize(loaded.train_images[:: max(1, len(train) // _SAMPLE)], img_size).float() / 255
        mean, std = sample.mean((0, 2, 3)), sample.std((0, 2, 3)).clamp(min=1 / 255)
        facts = tuple(mean.tolist()), tuple(std.tolist()), loaded.mirrors
        return Images(text, train, val, loaded.classes, *facts, on_disk=False, passed_over=loaded.passed_over)
    check_data(text)
    found = find_images(argument)
    found.tell_passed_over(argument)
    facts = IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, True
    shuffled, whole = OnDisk(labelled(found["train"]), stands_in=True), OnDisk(labelled(found["val"]), stands_in=False)
    return Images(text, shuffled, whole, tuple(found["train"]), *facts, on_disk=True, passed_over=found.count)


def labelled(files: dict[str, list[Path]]) -> list[tuple[Path, int]]:
    """Return the files of each class, each with the number of its class."""
    return [(path, label) for label, paths in enumerate(files.values()) for path in paths]


class Order(Sampler[int]):
    """The order of an epoch's images in one process: a permutation by seed and epoch, of whole batches.

    Attributes:
        first: Images of this process to leave out, since a resumed epoch has seen them.
    """

    def __init__(self, images: int, total: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self.images, self.total, self.seed, self.rank, self.world = images, total, seed, rank, world
        self.epoch, self.first = 0, 0

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(self.images, generator=generator)[: self.total]
        yield from order[self.rank :: self.world][self.first :].tolist()

    def __len__(self) -> int:
        return self.total // self.world - self.first


def train_loader(images: Images, recipe: Recipe, order: Order, batch: int, loading: Loading, pin: bool) -> DataLoader:
    """Return batches of a process: float32 [batch, 3, S, S] and int64 [batch], of masks [batch, S, S]."""
    images.train.transform = images.for_training(recipe)
    return loading.loader(images.train, batch, sampler=order, pin_memory=pin, drop_last=True)


def val_batches(
    images: Images, recipe: Recipe, batch: int, loading: Loading = HERE, first: int = 0, step: int = 1
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every ``step``-th validation image from ``first`` on, those of a process of so many, if it can be read."""
    images.val.transform = images.for_validation(recipe)
    shown = Subset(images.val, range(first, len(images.val), step))
    yield from loaded(loading.loader(shown, batch))


def _keep_a_bit(transform: Any) -> None:
    """Have timm's RandAugment posterize to one bit at least: at its largest magnitude it asks Pillow for none."""
    for step in transform.transforms:
        for op in step.ops if isinstance(step, RandAugment) else []:
            if op.name.startswith("Posterize"):
                op.level_fn = partial(_one_bit, op.level_fn)


def _one_bit(level_fn: Callable[..., tuple[int]], *args: Any) -> tuple[int]:
    return (max(1, level_fn(*args)[0]),)
