"""The network that is exported, with its image size and normalisation, and its ONNX graph once that is made."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from vitspace.costs import PartCost
from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, format_image_size, plain_size, sides
from vitspace.latency.backends import onnx_model
from vitspace.network import Network, build
from vitspace.spec import Spec
from vitspace.tasks.building import IMAGENET_CLASSES, build_segmenter, usual
from vitspace.tasks.costs import cost
from vitspace.tasks.heads import CLASSIFICATION, SEGMENTATION, task_of
from vitspace.tasks.segmenter import Segmenter
from vitspace.training.inheriting import PREFIX, cut_out
from vitspace.training.weights import Weights, put, read_weights


@dataclass(frozen=True, eq=False)
class ExportedModel:
    """A design made ready for use elsewhere.

    Attributes:
        design: The architecture.
        network: The network in evaluation mode.
        img_size: Side of the image, or (height, width), pixels.
        weights: The trained weights; None if the network is as initialised.
        task: What the network is for: classification, or a task of segmentation.
    """

    design: Design
    network: Network | Segmenter
    img_size: ImageSize
    weights: Weights | None = None
    task: str = CLASSIFICATION

    @classmethod
    def of(
        cls,
        design: Design,
        weights: Path | None = None,
        img_size: ImageSize | None = None,
        num_classes: int | None = None,
        task: str | None = None,
    ) -> "ExportedModel":
        """Build a design's network, with the weights of a file if one is given.

        Args:
            design: The architecture.
            weights: A file of ``vitspace train``, or ``supernet:DIR``, whose designs share their weights.
            img_size: Side of the image, or (height, width), pixels; None is the weights', or the design's or the
                task's. Windows of an untrained published classifier, or of a study's, follow it; trained ones, and
                those of segmentation, stay as they were.
            num_classes: Classes of the classifier; None is the weights', or the task's own.
            task: None is the weights', or classification.

        Raises:
            InputError: the file holds no weights of this design, number of classes and task, the image is too small,
                or the task is not exported.
        """
        if weights and str(weights).startswith(PREFIX):
            return cls._of_shared(design, weights, img_size, num_classes, task)
        return cls._of(design, read_weights(weights) if weights else None, img_size, num_classes, task)

    @classmethod
    def _of_shared(
        cls, design: Design, shared: Path, img_size: ImageSize | None, num_classes: int | None, task: str | None
    ) -> "ExportedModel":
        """Build a design's network with its part of shared weights; see `of`."""
        if task not in (None, CLASSIFICATION):
            raise InputError(f"shared weights are of classification, but {shared} is to be exported for {task}")
        spec, found = cut_out(shared, design.spec)
        size = found.facts["img_size"]
        if img_size is not None and plain_size(img_size) != size:
            raise InputError(
                f"shared weights are exported at the size that they were trained at, {size} px, but got "
                f"{format_image_size(img_size)}; vitspace train --init {shared} trains the design at another"
            )
        return cls._of(replace(design, spec=spec), found, size, num_classes, task)

    @classmethod
    def _of(
        cls,
        design: Design,
        found: Weights | None,
        img_size: ImageSize | None,
        num_classes: int | None,
        task: str | None,
    ) -> "ExportedModel":
        task = task or (found.task if found else CLASSIFICATION)
        _check_task(task)
        if found is None:
            size = plain_size(img_size or (design.img_size if task == CLASSIFICATION else usual(task)[0]))
            design = design.at(size) if task == CLASSIFICATION else design
            return cls(design, untrained(design.spec, num_classes, size, task).eval(), size, task=task)
        if found.task != task:
            raise InputError(f"task is what the weights were trained for, {found.task} in {found.path}, but got {task}")
        if num_classes not in (None, found.num_classes):
            raise InputError(
                f"num_classes is what the weights were trained for, {found.num_classes} in {found.path}, "
                f"but got {num_classes}"
            )
        size = plain_size(img_size or found.facts.get("img_size") or design.img_size)
        return cls(design, build_with(design.spec, found, size, task).eval(), size, found, task)

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

    @property
    def is_classifier(self) -> bool:
        """Whether it classifies images; else it classifies their pixels."""
        return self.task == CLASSIFICATION

    @cached_property
    def cost(self) -> PartCost:
        """Params and multiply-adds at this image size and number of classes."""
        return cost(self.design.spec, self.img_size, self.network.num_classes, self.task)

    @cached_property
    def onnx(self) -> Any:
        """The network as an ``onnx.ModelProto``: ``image`` [batch, 3, H, W] -> ``scores`` [batch, classes].

        Of segmentation ``scores`` are [batch, classes, H, W].
        """
        # An example of one image would make the batch a constant.
        example = torch.zeros(2, 3, *sides(self.img_size))
        names = {"input_names": ["image"], "output_names": ["scores"]}
        return onnx_model(self.network, example, dynamic_shapes=({0: torch.export.Dim("batch")},), **names)


def _check_task(task: str) -> None:
    """Check that networks of a task are exported.

    Raises:
        InputError: there is no such task, or they are not.
    """
    if task != CLASSIFICATION and (kind := task_of(task).kind) != SEGMENTATION:
        raise InputError(
            f"what is exported is {CLASSIFICATION} or a task of {SEGMENTATION}, but got {task}, which is {kind}; "
            "vitspace.build builds its network for use in PyTorch"
        )


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
        if task == CLASSIFICATION:
            return build(spec, IMAGENET_CLASSES if num_classes is None else num_classes, img_size)
        return build_segmenter(spec, task, num_classes, img_size)
