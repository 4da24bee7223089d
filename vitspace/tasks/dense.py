"""A dense task at a size of images: what a space, a study or a timing is for, where that is no classification."""

from dataclasses import dataclass

from torch import nn

from vitspace.costs.counter import PartCost
from vitspace.costs.handed import Shape
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.sources import sources_of
from vitspace.tasks.building import build, usual
from vitspace.tasks.costs import DenseCost, dense_cost, head_of, level_of
from vitspace.tasks.heads import CLASSIFICATION, DETECTION, Kind, check_task, task_of
from vitspace.tasks.pyramid import Backbone
from vitspace.tasks.words import task_words


@dataclass(frozen=True)
class DenseTask:
    """A dense task, the images that it is for, and how many classes it tells apart.

    Attributes:
        name: A file of `vitspace.tasks.heads`, ``semantic-fpn``.
        size: Height and width of the image, pixels.
        num_classes: Classes.
    """

    name: str
    size: tuple[int, int]
    num_classes: int

    @classmethod
    def of(cls, name: str, img_size: ImageSize | None = None) -> "DenseTask | None":
        """Return a task with its own number of classes, at its own size where none is given; None of classification.

        Raises:
            InputError: there is no such task, or it is no size of images.
        """
        check_task(name)
        return None if name == CLASSIFICATION else cls(name, *usual(name, img_size))

    @property
    def kind(self) -> Kind:
        """What is predicted."""
        return task_of(self.name).kind

    @property
    def data(self) -> str:
        """Whose classes they are."""
        return task_of(self.name).data

    @property
    def sources(self) -> str:
        """A digest of the code that builds and counts the heads of all tasks."""
        return sources_of("vitspace.tasks.building", "vitspace.tasks.costs")

    def build(self, backbone: Backbone) -> nn.Module:
        """Return the whole network of a backbone.

        Raises:
            InputError: the backbone has no four maps.
        """
        return build(backbone, self.num_classes, self.size, self.name)

    def cost(self, backbone: Backbone) -> DenseCost:
        """Count the whole network of a backbone.

        Raises:
            InputError: the backbone has no four maps.
        """
        return dense_cost(self.name, backbone, self.size, self.num_classes)

    def head(self) -> PartCost:
        """Return what the head costs beside what `level` tells of each map that it is handed."""
        return head_of(self.name, self.size, self.num_classes)

    def level(self, number: int, shape: Shape) -> PartCost:
        """Return what a map [1, C, H, W] adds to the head; ``number`` is 0 of the finest."""
        return level_of(self.name, self.size, self.num_classes, number, shape)

    def check_runs(self, backend: str, dtype: str) -> None:
        """Check that a back end runs networks of this task.

        Raises:
            InputError: it does not.
        """
        if self.kind == DETECTION and (backend, dtype) != ("eager", "float32"):
            raise InputError(
                f"detectors are run by torchvision's code, so timed with backend eager in float32, but got {backend} "
                f"in {dtype} with {self.name}"
            )

    def __str__(self) -> str:
        return task_words(self.name, self.size, self.num_classes)
