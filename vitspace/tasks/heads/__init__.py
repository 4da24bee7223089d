"""Dense tasks, one file each: how a pyramid of four maps becomes a network.

A file has ``TASK``, a `Task`, and ``Head(dims, num_classes)``, a module whose ``forward(*maps)`` is all that is
counted. Where it is not of segmentation, whose network is a `vitspace.tasks.segmenter.Segmenter`, it has
``network(pyramid, num_classes, img_size)`` too, which returns the network that runs and trains. A task's name is its
file's, with hyphens. Files whose name begins with an underscore are no tasks.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from vitspace.errors import InputError, shown

#: Names of the dense tasks.
DENSE = tuple(sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__) if info.name[0] != "_"))
CLASSIFICATION = "classification"
#: Names of all tasks.
TASKS = (CLASSIFICATION, *DENSE)

#: What a dense task predicts.
Kind = Literal["segmentation", "detection", "keypoints"]
SEGMENTATION: Kind = "segmentation"
DETECTION: Kind = "detection"


@dataclass(frozen=True)
class Task:
    """A dense task.

    Attributes:
        kind: What is predicted.
        size: Usual height and width of the image in pixels.
        classes: Usual number of classes, without a background that a detector adds.
        data: Whose classes they are.
        least_batch: Images at once that training takes: 2 where BatchNorm sees a map of one position.
    """

    kind: Kind
    size: tuple[int, int]
    classes: int
    data: str
    least_batch: int = 1


def check_task(name: str) -> None:
    """Check the name of a task.

    Raises:
        InputError: there is no such task.
    """
    if name not in TASKS:
        near = get_close_matches(str(name), TASKS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"a task is one of {', '.join(TASKS)}, but got {shown(name)}{hint}")


def task_of(name: str) -> Task:
    """Return what a dense task says of itself.

    Raises:
        InputError: there is no such dense task.
    """
    task: Task = load(name).TASK
    return task


def load(name: str) -> Any:
    """Return the module of a dense task.

    Raises:
        InputError: there is no such dense task.
    """
    check_task(name)
    if name == CLASSIFICATION:
        raise InputError(f"a dense task is one of {', '.join(DENSE)}, but got {shown(name)}")
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
