"""train: a short training from scratch; the score is the negative validation loss.

The network is the spec's at a small image: windows, grids and patches shrink with it (`Spec.rescaled`), as far as whole
numbers of at least 2 allow. At 64 pixels, 1/3.5 of the design size, a window of 7 becomes 2, and the stages' maps keep
their 64, 16, 4 and 1 windows and their regions; windows of 4 and 8 become 2 as well, and 14 becomes 4.

The budget is steps, never seconds. On the CPU the same seed and number of threads give the same score; on a GPU the
order of its sums leaves a small difference.
"""

import time
from dataclasses import dataclass
from typing import Any

import torch

from vitspace.data import Dataset
from vitspace.network import Network, build
from vitspace.proxies import ProxyError, Score
from vitspace.proxies._device import available_devices, check_device, seeded
from vitspace.proxies._fit import OnStep, fit, validate
from vitspace.proxies._recipe import PRESETS, TrainingProxy, parse_proxy
from vitspace.spec import Spec

__all__ = [
    "PRESETS",
    "ReferencePoints",
    "TrainResult",
    "TrainingProxy",
    "available_devices",
    "check_device",
    "make_network",
    "open_proxy",
    "parse_proxy",
    "reference_points",
    "train",
]

NATIVE_SIZE = 224


@dataclass(frozen=True)
class TrainResult:
    """What a training measured.

    Attributes:
        score: Negative validation loss, in nats.
        accuracy: Share of validation images that are right, 0..1.
        train_loss: Mean training loss of the last tenth of the steps, as optimised.
        seconds: Building, training and validation.
        images_per_second: Of the training alone.
        steps: Optimiser steps taken.
        curve: (step, training loss) of every step.
    """

    score: float
    accuracy: float
    train_loss: float
    seconds: float
    images_per_second: float
    steps: int
    curve: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class ReferencePoints:
    """What a guess reaches that knows only how often each class occurs.

    Attributes:
        loss: Entropy of the validation labels, in nats.
        accuracy: Share of the most frequent class, 0..1.
    """

    loss: float
    accuracy: float


def reference_points(dataset: Dataset) -> ReferencePoints:
    """Return the loss and accuracy of chance on the validation set."""
    counts = torch.bincount(dataset.val_labels, minlength=len(dataset.classes))
    shares = counts[counts > 0].double() / counts.sum()
    return ReferencePoints(float(-(shares * shares.log()).sum()), float(shares.max()))


def train(
    spec: Spec,
    proxy: TrainingProxy,
    dataset: Dataset,
    seed: int = 0,
    device: torch.device | str = "cpu",
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train a spec from scratch and validate it.

    Args:
        spec: The architecture, for images of 224 pixels.
        proxy: The recipe.
        dataset: What `TrainingProxy.load` gave.
        seed: Of the initial weights, the order of images, augmentation and stochastic depth.
        device: Where; see `check_device`.
        on_step: Called after each step with its number and the number of steps.

    Raises:
        InputError: the spec cannot be built at this image size.
        ProxyError: the loss is not finite, or the device has no memory left.
    """
    start = time.perf_counter()
    device = torch.device(device)
    try:
        with seeded(seed, device):
            network = make_network(spec, proxy, len(dataset.classes)).to(device)
            began = time.perf_counter()
            losses = fit(network, proxy, dataset, torch.Generator().manual_seed(seed), on_step)
            trained = time.perf_counter() - began
            loss, accuracy = validate(network, proxy, dataset)
    except torch.OutOfMemoryError as error:
        raise ProxyError(f"out of memory on {device}: {error}") from None
    tail = losses[-max(1, proxy.steps // 10) :]
    return TrainResult(
        score=-loss,
        accuracy=accuracy,
        train_loss=sum(tail) / len(tail),
        seconds=time.perf_counter() - start,
        images_per_second=proxy.steps * proxy.batch_size / trained,
        steps=proxy.steps,
        curve=tuple(enumerate(losses, start=1)),
    )


def make_network(spec: Spec, proxy: TrainingProxy, num_classes: int) -> Network:
    """Build the network that the proxy trains: the spec rescaled to the proxy's image size."""
    small = spec.rescaled(proxy.img_size / NATIVE_SIZE)
    return build(small, num_classes, proxy.img_size, drop_path_rate=proxy.drop_path)


def rescaled_settings(spec: Spec, img_size: int) -> dict[str, list[Any]]:
    """Return the settings, stage by stage, that the proxy's network has other than the spec: its smaller windows."""
    small = spec.rescaled(img_size / NATIVE_SIZE)
    pairs = list(zip(spec.stages, small.stages, strict=True))
    names = list(dict.fromkeys(name for a, _ in pairs for name in a.to_dict()))
    changed = [name for name in names if any(getattr(a, name, None) != getattr(b, name, None) for a, b in pairs)]
    return {name: [getattr(stage, name, None) for stage in small.stages] for name in changed}


@dataclass(frozen=True)
class OpenTraining:
    """A recipe with its data on a device: the `vitspace.proxies.Proxy` of this file.

    Attributes:
        recipe: The recipe.
        dataset: Its data, loaded.
        device: Where it trains.
        name: ``train:tiny``.
    """

    recipe: TrainingProxy
    dataset: Dataset
    device: torch.device
    name: str = "train"

    @property
    def worst(self) -> float:
        """The loss of chance, in nats."""
        return reference_points(self.dataset).loss

    def describe(self) -> dict[str, Any]:
        """Return the recipe, the size of the data, chance, and the device."""
        chance = reference_points(self.dataset)
        return {
            "name": self.name,
            **self.recipe.model_dump(),
            "rescaled": f"windows, grids and patches by {self.recipe.img_size}/{NATIVE_SIZE}, to 2 at least",
            "classes": len(self.dataset.classes),
            "train_images": len(self.dataset.train_labels),
            "val_images": len(self.dataset.val_labels),
            "skipped_images": self.dataset.skipped,
            "chance_loss": chance.loss,
            "chance_accuracy": chance.accuracy,
            "device": str(self.device),
        }

    def score(self, spec: Spec, seed: int, on_step: OnStep | None = None) -> Score:
        """Train a design and return its negative validation loss; see `train`."""
        result = train(spec, self.recipe, self.dataset, seed, self.device, on_step)
        rescaled = rescaled_settings(spec, self.recipe.img_size)
        names = ("accuracy", "train_loss", "images_per_second", "steps", "curve")
        details = {name: getattr(result, name) for name in names}
        return Score(result.score, result.seconds, details | {"rescaled": rescaled, "device": str(self.device)})


def open_proxy(argument: str, data: str, device: str, seed: int = 0) -> OpenTraining:
    """Return the proxy of a preset, its data loaded.

    Args:
        argument: Name of the preset; empty for tiny.
        data: The set; empty for the preset's own.
        device: See `check_device`.
        seed: Of the data.

    Raises:
        InputError: there is no such preset, data or device.
    """
    preset = argument or "tiny"
    recipe = parse_proxy(preset, **({"data": data} if data else {}))
    where = check_device(device)
    return OpenTraining(recipe, recipe.load(seed), where, f"train:{preset}")
