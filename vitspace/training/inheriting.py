"""What a design's full training begins with where its weights were shared: ``--init supernet:DIR``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.proxies.batches import Normalise
from vitspace.proxies.inherited import inherit
from vitspace.proxies.training.supernet import open_proxy
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
    proxy = open_proxy(str(init).removeprefix(PREFIX), "", "cpu")
    if why := proxy.refused(spec):
        raise InputError(why)
    network = inherit(proxy.store, spec, proxy.recipe, proxy.dataset)
    seen = Normalise(proxy.dataset, proxy.device)
    facts = {name: (getattr(seen, name).flatten() / 255).tolist() for name in ("mean", "std")}
    return Inherited(network.state_dict(), facts)


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
