"""A short training from scratch; the score is the negative validation loss.

The network is the spec's at a small image: windows, grids and patches shrink with it (`Spec.rescaled`), as far as whole
numbers allow: windows and grids to 2 at least, EMSNet's patches to 1. At 64 pixels, 1/3.5 of the design size, a window
of 7 becomes 2, and the stages' maps keep their 64, 16, 4 and 1 windows and their regions; windows of 4 and 8 become 2
as well, and 14 becomes 4. Width and depth factors shrink it further (`vitspace.proxies.shrinking`).

The budget is steps or epochs, never seconds. On the CPU the same seed and number of threads give the same score; on a
GPU the order of its sums leaves a small difference.
"""

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

import torch

from vitspace.data import Dataset
from vitspace.machine.devices import check_device, is_out_of_memory, seeded
from vitspace.proxies import ProxyError, Score
from vitspace.proxies.recipe import TrainingProxy, canonical_name, parse_proxy, split_data
from vitspace.proxies.short_training import OnStep, fit, memory_format, validate
from vitspace.proxies.shrinking import make_network, rescaled_settings
from vitspace.spec import NATIVE_SIZE, Spec
from vitspace.words import plural

#: What `vitspace.proxies.registry` asks the file of a proxy for.
__all__ = ["canonical_name", "open_proxy", "split_data"]

#: How often a batch is halved where memory does not hold it.
HALVINGS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainResult:
    """What a training measured.

    Attributes:
        score: Negative validation loss, in nats.
        accuracy: Share of validation images that are right, 0..1.
        train_loss: Mean training loss of the last tenth of the steps, as optimised.
        seconds: Building, training and validation.
        training_seconds: Training alone.
        validation_seconds: Validation alone.
        images_per_second: Of the training alone.
        steps: Optimiser steps taken.
        images_at_once: Images of a pass: the recipe's batch, or a part of it where memory did not hold that.
        curve: (step, training loss) of every step.
    """

    score: float
    accuracy: float
    train_loss: float
    seconds: float
    training_seconds: float
    validation_seconds: float
    images_per_second: float
    steps: int
    images_at_once: int
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


def described(dataset: Dataset) -> dict[str, Any]:
    """Return the size of the data, and chance, for the record."""
    chance = reference_points(dataset)
    return {
        "classes": len(dataset.classes),
        "train_images": len(dataset.train_labels),
        "val_images": len(dataset.val_labels),
        "skipped_images": dataset.skipped,
        **({"passed_over_files": dataset.passed_over} if dataset.passed_over else {}),
        "chance_loss": chance.loss,
        "chance_accuracy": chance.accuracy,
    }


def train(
    spec: Spec,
    proxy: TrainingProxy,
    dataset: Dataset,
    seed: int = 0,
    device: torch.device | str = "cpu",
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train a spec from scratch and validate it.

    Where memory does not hold a batch, training begins anew with the batch in two passes whose gradients are added up,
    then in four, then in eight. BatchNorm then sees the smaller batches.

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
    start, proxy, device = time.perf_counter(), proxy.on(dataset), torch.device(device)
    for halved in range(HALVINGS + 1):
        parts = 2**halved
        try:
            result = _attempt(spec, proxy, dataset, seed, device, on_step, parts)
            return replace(result, seconds=time.perf_counter() - start)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            why = (str(error).splitlines() or [type(error).__name__])[0]  # Python's own error says nothing
        if halved == HALVINGS or proxy.batch_size // (2 * parts) < 2:
            break
        _log.warning("out of memory on %s: once more with the batch in %d parts", device, 2 * parts)
        torch.cuda.empty_cache()
    raise ProxyError(f"out of memory on {device} even with {plural(proxy.batch_size // parts, 'image')} at once: {why}")


def _attempt(
    spec: Spec,
    proxy: TrainingProxy,
    dataset: Dataset,
    seed: int,
    device: torch.device,
    on_step: OnStep | None,
    parts: int,
) -> TrainResult:
    assert proxy.steps is not None
    with seeded(seed, device):
        network = make_network(spec, proxy, len(dataset.classes)).to(device).to(memory_format=memory_format(proxy))
        began = time.perf_counter()
        losses, trained = fit(network, proxy, dataset, torch.Generator().manual_seed(seed), on_step, parts)
        seconds = time.perf_counter() - began
        loss, accuracy = validate(trained, proxy, dataset, parts)
        validated = time.perf_counter() - began - seconds
    tail = losses[-max(1, proxy.steps // 10) :]
    return TrainResult(
        score=-loss,
        accuracy=accuracy,
        train_loss=sum(tail) / len(tail),
        seconds=seconds,
        training_seconds=seconds,
        validation_seconds=validated,
        images_per_second=proxy.steps * proxy.batch_size / seconds,
        steps=proxy.steps,
        images_at_once=-(-proxy.batch_size // parts),
        curve=tuple(enumerate(losses, start=1)),
    )


@dataclass(frozen=True)
class OpenTraining:
    """A recipe with its data on a device: the `vitspace.proxies.Proxy` of this file.

    Attributes:
        recipe: The recipe.
        dataset: Its data, loaded.
        device: Where it trains.
        name: ``train:tiny``, ``train:small,steps=300``.
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
        return {
            "name": self.name,
            **self.recipe.model_dump(),
            "rescaled": f"windows and grids by {self._rescaled()}, to 2 at least; patches, to 1 at least",
            **described(self.dataset),
            "device": str(self.device),
        }

    def _rescaled(self) -> str:
        larger = 4 // self.recipe.stem_stride
        return f"{self.recipe.img_size}/{NATIVE_SIZE}" + (f" times {larger}" if larger > 1 else "")

    def score(self, spec: Spec, seed: int, on_step: OnStep | None = None) -> Score:
        """Train a design and return its negative validation loss; see `train`."""
        result = train(spec, self.recipe, self.dataset, seed, self.device, on_step)
        rescaled = rescaled_settings(spec, self.recipe)
        names = ("accuracy", "train_loss", "images_per_second", "steps", "images_at_once", "curve")
        parts = ("training_seconds", "validation_seconds")
        details = {name: getattr(result, name) for name in (*names, *parts)}
        return Score(result.score, result.seconds, details | {"rescaled": rescaled, "device": str(self.device)})


def open_proxy(argument: str, data: str, device: str, seed: int = 0) -> OpenTraining:
    """Return the proxy of a preset, its data loaded.

    Args:
        argument: A preset, with fields that differ, ``small,steps=300,width=0.5``; empty for tiny.
        data: The set; empty for the argument's own.
        device: See `check_device`.
        seed: Of the data.

    Raises:
        InputError: there is no such preset, field, data or device.
    """
    canonical_name(f"train:{argument}", data)
    recipe = parse_proxy(argument, **({"data": data} if data else {}))
    where = check_device(device)
    dataset = recipe.load(seed)
    return OpenTraining(recipe.on(dataset), dataset, where, f"train:{argument or 'tiny'}")
