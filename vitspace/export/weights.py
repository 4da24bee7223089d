"""Networks that are exported: with the weights of a file, or as initialised."""

import torch

from vitspace.image_sizes import ImageSize
from vitspace.network import Network
from vitspace.spec import Spec
from vitspace.tasks.building import build
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.tasks.segmenter import Segmenter
from vitspace.training.weights import Weights, put


def build_with(spec: Spec, weights: Weights, img_size: ImageSize, task: str = CLASSIFICATION) -> Network | Segmenter:
    """Build a spec's network with the weights in it.

    Raises:
        InputError: the weights are not the spec's, or dead; see `vitspace.training.weights.put`.
    """
    network = untrained(spec, weights.num_classes, img_size, task)
    put(weights, network, spec)
    return network


def untrained(
    spec: Spec, num_classes: int | None, img_size: ImageSize, task: str = CLASSIFICATION, seed: int = 0
) -> Network | Segmenter:
    """Build a spec's network of classification or segmentation with its own initialisation.

    Args:
        spec: The architecture.
        num_classes: Classes; None is the task's own number.
        img_size: The image size it is meant for.
        task: What it is for.
        seed: Of the weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build(spec, num_classes, img_size, task)  # type: ignore[return-value]
