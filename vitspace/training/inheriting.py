"""A design's weights out of shared ones: to begin a full training, ``--init supernet:DIR``, or to be exported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.proxies.batches import Normalise
from vitspace.proxies.inherited import inherit
from vitspace.proxies.short_training import validate
from vitspace.proxies.shrinking import shrunk
from vitspace.proxies.training.supernet import OpenSupernet, open_proxy
from vitspace.spec import Spec
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.training.weights import Weights, begin_with, read_weights
from vitspace.words import plural

_HEAD = "head.fc."
#: How an init begins that is a folder of shared weights.
PREFIX = "supernet:"


@dataclass(frozen=True, eq=False)
class Inherited:
    """A design's weights out of shared ones.

    Attributes:
        tensors: Parameters and batch statistics by name, at the image size of the shared training.
        facts: Mean and standard deviation, red, green and blue, of the images that the weights are used to, of 0..1.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def read_init(init: Path, spec: Spec, task: str) -> Weights | Inherited:
    """Return what a training begins with: the weights of a file, or what a design inherits from shared ones.

    Args:
        init: A .safetensors, or ``supernet:DIR``.
        spec: The design.
        task: What it is trained for.

    Raises:
        InputError: there are no such weights, or the shared ones are not of this design or this task.
    """
    if not str(init).startswith(PREFIX):
        return read_weights(init)
    if task != CLASSIFICATION:
        raise InputError(f"shared weights are of classification, but {init} is to begin a training for {task}")
    proxy = _open(init, spec)
    network = inherit(proxy.store, spec, proxy.recipe, proxy.dataset)
    return Inherited(network.state_dict(), _seen(proxy))


def cut_out(init: Path, spec: Spec) -> tuple[Spec, Weights]:
    """Return a design as its shared weights know it, at their size of image, and these weights, validated.

    Args:
        init: ``supernet:DIR``.
        spec: The design, for images of 224 pixels.

    Raises:
        InputError: there are no such weights, they are not of this design, or they were trained behind a stem of
            another stride.
        ProxyError: the validation loss is not finite.
    """
    proxy = _open(init, spec)
    recipe, data = proxy.recipe, proxy.dataset
    if recipe.stem_stride != spec.stem.stride:
        raise InputError(
            f"weights are cut out for the design's own stem, of stride {spec.stem.stride}, but those of {init} were "
            f"trained with stem_stride={recipe.stem_stride}"
        )
    network, small = inherit(proxy.store, spec, recipe, data), shrunk(spec, recipe)
    _, accuracy = validate(network, recipe, data)
    facts = {
        "spec_id": small.id,
        "task": CLASSIFICATION,
        "init": proxy.name,
        "data": recipe.data,
        "classes": list(data.classes),
        "val_images": len(data.val_labels),
        "img_size": recipe.img_size,
        "crop_pct": 1.0,
        "interpolation": "bilinear",
        "seed": proxy.facts["seed"],
        "command": proxy.facts.get("command", ""),
        "top1": 100 * accuracy,
        "epoch": 0,
        "epochs": 0,
        "shared": True,
        **_seen(proxy),
    }
    return small, Weights(proxy.path, network.state_dict(), facts)


def _open(init: Path, spec: Spec) -> OpenSupernet:
    proxy = open_proxy(str(init).removeprefix(PREFIX), "", "cpu")
    if why := proxy.refused(spec):
        raise InputError(why)
    return proxy


def _seen(proxy: OpenSupernet) -> dict[str, Any]:
    """Return mean and standard deviation of the images that shared weights are used to, of 0..1."""
    seen = Normalise(proxy.dataset, proxy.device)
    return {name: (getattr(seen, name).flatten() / 255).tolist() for name in ("mean", "std")}


def begin(network: nn.Module, begun: Weights | Inherited, spec: Spec, task: str, num_classes: int) -> str:
    """Put weights into a network that is to be trained further; return what of it stays new, in words.

    Of inherited weights that is what depends on the size of images, where that differs, as biases of windows and
    kernels of patches do; and the classifier where the shared weights are of another number of classes.

    Raises:
        InputError: as `begin_with`.
    """
    if isinstance(begun, Weights):
        return begin_with(network, begun, spec, task, num_classes)
    own = network.state_dict()
    given = {name: each for name, each in begun.tensors.items() if name in own and each.shape == own[name].shape}
    network.load_state_dict(given, strict=False)
    new = sorted(own.keys() - given.keys())
    others = [name for name in new if not name.startswith(_HEAD)]
    words = [f"a new head of {plural(num_classes, 'class')}"] if len(others) < len(new) else []
    words += [f"{plural(len(others), 'tensor')} of another shape anew, as {others[0]}"] if others else []
    return " and ".join(words)
