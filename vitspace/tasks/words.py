"""How a dense task is written, without what builds it."""

from collections.abc import Sequence

from vitspace.image_sizes import format_image_size


def task_words(name: str, size: Sequence[int], num_classes: int) -> str:
    """Return ``semantic-fpn at 512x2048 px, 150 classes``."""
    return f"{task_at(name, size)}, {num_classes} classes"


def task_at(name: str, size: Sequence[int]) -> str:
    """Return ``semantic-fpn at 512x2048 px``."""
    return f"{name} at {format_image_size(tuple(size))} px"
