"""What is said of a dense task beside its code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A dense task.

    Attributes:
        kind: What is predicted: segmentation, detection or keypoints.
        size: Usual height and width of the image in pixels.
        classes: Usual number of classes, without a background that a detector adds.
        data: Whose classes they are.
        least_batch: Images at once that training takes: 2 where BatchNorm sees a map of one position.
    """

    kind: str
    size: tuple[int, int]
    classes: int
    data: str
    least_batch: int = 1
