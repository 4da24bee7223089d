"""The network that is exported, with its image size and normalisation, and its ONNX graph once that is made."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from vitspace.costs import Cost, cost
from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.export.weights import Weights, build_with, read_weights, untrained
from vitspace.image_sizes import ImageSize, plain_size, sides
from vitspace.latency.backends import onnx_model
from vitspace.network import Network

#: Classes of an untrained network by default: ImageNet's, for which costs and latencies are stated.
NUM_CLASSES = 1000


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A design made ready for use elsewhere.

    Attributes:
        design: The architecture.
        network: The network in evaluation mode.
        img_size: Side of the image, or (height, width), pixels.
        weights: The trained weights; None if the network is as initialised.
    """

    design: Design
    network: Network
    img_size: ImageSize
    weights: Weights | None = None

    @classmethod
    def of(
        cls,
        design: Design,
        weights: Path | None = None,
        img_size: ImageSize | None = None,
        num_classes: int | None = None,
    ) -> "ExportedModel":
        """Build a design's network, with the weights of a file if one is given.

        Args:
            design: The architecture.
            weights: A file of ``vitspace train``.
            img_size: Side of the image, or (height, width), pixels; None is the weights', or the design's. Windows
                of an untrained published design, or of a study's, follow it; trained ones stay as they were.
            num_classes: Classes of the classifier; None is the weights', or ImageNet's 1000.

        Raises:
            InputError: the file holds no weights of this design and number of classes, or the image is too small.
        """
        if weights is None:
            size = plain_size(img_size or design.img_size)
            design = design.at(size)
            return cls(design, untrained(design.spec, num_classes or NUM_CLASSES, size).eval(), size)
        found = read_weights(weights)
        if num_classes not in (None, found.num_classes):
            raise InputError(
                f"num_classes is what the weights were trained for, {found.num_classes} in {weights}, "
                f"but got {num_classes}"
            )
        size = plain_size(img_size or found.facts.get("img_size") or design.img_size)
        return cls(design, build_with(design.spec, found, size).eval(), size, found)

    @property
    def facts(self) -> dict[str, Any]:
        """The metadata of the weights."""
        return self.weights.facts if self.weights else {}

    @property
    def mean(self) -> list[float]:
        """Mean of each channel by which images are normalised, for pixels from 0 to 1."""
        return list(self.facts.get("mean", IMAGENET_DEFAULT_MEAN))

    @property
    def std(self) -> list[float]:
        """Standard deviation of each channel by which images are normalised."""
        return list(self.facts.get("std", IMAGENET_DEFAULT_STD))

    @cached_property
    def cost(self) -> Cost:
        """Params and multiply-adds at this image size and number of classes."""
        return cost(self.design.spec, self.img_size, self.network.num_classes)

    @cached_property
    def onnx(self) -> Any:
        """The network as an ``onnx.ModelProto``: ``image`` [batch, 3, H, W] -> ``scores`` [batch, classes]."""
        # An example of one image would make the batch a constant.
        example = torch.zeros(2, 3, *sides(self.img_size))
        names = {"input_names": ["image"], "output_names": ["scores"]}
        return onnx_model(self.network, example, dynamic_shapes=({0: torch.export.Dim("batch")},), **names)
