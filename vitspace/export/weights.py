"""Networks that are exported: with the weights of a file, or as initialised."""

import torch

from vitspace.image_sizes import ImageSize
from vitspace.network import Network, build
from vitspace.spec import Spec
from vitspace.training.weights import Weights, put


def build_with(spec: Spec, weights: Weights, img_size: ImageSize) -> Network:
    """Build a spec's network with the weights in it.

    Raises:
        InputError: the weights are not the spec's, or dead; see `vitspace.training.weights.put`.
    """
    network = untrained(spec, weights.num_classes, img_size)
    put(weights, network, spec)
    return network


def untrained(spec: Spec, num_classes: int, img_size: ImageSize, seed: int = 0) -> Network:
    """Build a spec's network with its own initialisation."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build(spec, num_classes, img_size)
