"""A design with the weights that it shares with others, ready to be validated."""

import torch
from torch import Tensor

from vitspace.costs.counter import on_meta
from vitspace.data import Dataset
from vitspace.machine.devices import autocast
from vitspace.network import Network
from vitspace.proxies import ProxyError
from vitspace.proxies.batches import Normalise
from vitspace.proxies.recipe import TrainingProxy
from vitspace.proxies.shrinking import make_network
from vitspace.sharing import Store, shared_of
from vitspace.sharing.statistics import estimate_statistics
from vitspace.sharing.store import with_weights
from vitspace.spec import Spec

#: Batches of the recipe's size on which batch statistics are estimated anew.
BATCHES = 8


def missing(store: Store, spec: Spec, recipe: TrainingProxy, classes: int) -> str:
    """Say which tensor of a design the store does not hold; an empty string where it holds all."""
    with on_meta():
        return _lacking(store, make_network(spec, recipe, classes))


def _lacking(store: Store, network: Network) -> str:
    tensors = store.tensors
    for each in shared_of(network):
        if each.role not in tensors:
            return f"{each.name} of {list(each.shape)} has no shared tensor"
        if any(a > b for a, b in zip(each.held, tensors[each.role].shape, strict=True)):
            return f"{each.name} of {list(each.shape)} is larger than the shared {list(tensors[each.role].shape)}"
    return ""


def inherit(store: Store, spec: Spec, recipe: TrainingProxy, dataset: Dataset) -> Network:
    """Return a design's network with copies of its shared weights, its batch statistics estimated anew.

    Args:
        store: On the device of the network.
        spec: The design, for images of 224 pixels.
        recipe: Of the training of the store.
        dataset: Its data; statistics are those of training images spread over the set, neither shifted nor mirrored.

    Raises:
        InputError: the design cannot be had at the recipe's image size.
        ProxyError: the store does not hold the design.
    """
    with on_meta():
        network = make_network(spec, recipe, len(dataset.classes))
    if why := _lacking(store, network):
        raise ProxyError(f"the shared weights are of other designs: {why}")
    network = with_weights(store, network)
    device = next(network.parameters()).device
    batches = _mixed(len(dataset.train_images), recipe.batch_size)
    normalise = Normalise(dataset, device)
    with autocast(recipe.precision, device):
        estimate_statistics(network, (normalise(dataset.train_images[rows].to(device)) for rows in batches))
    return network.requires_grad_(True)


def _mixed(count: int, batch_size: int) -> list[Tensor]:
    """Return the rows of each batch: all of them together, and those of one, are spread over the whole set.

    A set may be sorted by class, and batches of one class each lack the variance between classes.
    """
    wanted = min(BATCHES * batch_size, count)
    rows, batches = torch.arange(wanted) * count // wanted, -(-wanted // batch_size)
    return [rows[number::batches] for number in range(batches)]
