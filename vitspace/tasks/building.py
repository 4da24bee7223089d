"""The network of a backbone and a task."""

from typing import Any

from torch import nn

from vitspace import network
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, sides
from vitspace.spec import NATIVE_SIZE
from vitspace.tasks.heads import CLASSIFICATION, SEGMENTATION, check_task, load, task_of
from vitspace.tasks.pyramid import Backbone, build_pyramid
from vitspace.tasks.segmenter import Segmenter

#: Classes of classification: ImageNet's.
IMAGENET_CLASSES = 1000


def build(
    spec: Backbone,
    num_classes: int | None = None,
    img_size: ImageSize | None = None,
    task: str = CLASSIFICATION,
    **kwargs: Any,
) -> nn.Module:
    """Build the torch module of a spec for a task.

    Segmentation and keypoints take normalised images [B, 3, H, W]; detectors take torchvision's list of images [3, H,
    W] in 0..1, and in training their targets, and give losses or detections.

    Args:
        spec: The architecture; for dense tasks also timm's name of a network, ``resnet50``.
        num_classes: Classes; None is the task's own number. 0 returns pooled features in classification.
        img_size: The image size it is meant for, a side or (height, width); None is the task's own.
        task: ``classification``, or a dense task: a file of `vitspace.tasks.heads`, ``semantic-fpn``.
        kwargs: Of classification: ``in_chans``, ``drop_rate`` and ``drop_path_rate`` of `vitspace.network.Network`;
            of dense tasks: ``drop_path_rate``.

    Raises:
        InputError: there is no such task, backbone or setting, the backbone has no four maps, or a number is none of
            classes or channels.
    """
    if task == CLASSIFICATION:
        classes = IMAGENET_CLASSES if num_classes is None else num_classes
        side = NATIVE_SIZE if img_size is None else img_size
        return network.build(spec, classes, side, **kwargs)  # type: ignore[arg-type]
    check_task(task)
    if other := kwargs.keys() - {"drop_path_rate"}:
        raise InputError(f"a network of {task} takes drop_path_rate, but got {', '.join(sorted(other))}")
    if task_of(task).kind == SEGMENTATION:
        return build_segmenter(spec, task, num_classes, img_size, **kwargs)
    size, classes = usual(task, img_size, num_classes)
    built: nn.Module = load(task).network(build_pyramid(spec, size, **kwargs), classes, size)
    return built


def build_segmenter(
    spec: Backbone,
    task: str,
    num_classes: int | None = None,
    img_size: ImageSize | None = None,
    drop_path_rate: float = 0.0,
) -> Segmenter:
    """Build a network of a task of segmentation; see `build`."""
    size, classes = usual(task, img_size, num_classes)
    pyramid = build_pyramid(spec, size, drop_path_rate)
    return Segmenter(pyramid, load(task).Head(pyramid.dims, classes), classes)


def usual(task: str, img_size: ImageSize | None = None, num_classes: int | None = None) -> tuple[tuple[int, int], int]:
    """Return height and width, and the number of classes, of a dense task; None is the task's own.

    Raises:
        InputError: there is no such dense task, or a number is no number of classes or size of images.
    """
    usually = task_of(task)
    if num_classes is not None:
        network.check_count(f"num_classes of {task}", num_classes, 1)
    size = usually.size if img_size is None else sides(img_size)
    return size, usually.classes if num_classes is None else num_classes
