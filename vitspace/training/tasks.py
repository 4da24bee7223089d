"""What a training does otherwise for each task: its recipe, its data, and the rates of its network."""

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitspace.data import SOURCES
from vitspace.errors import InputError
from vitspace.spec import Spec
from vitspace.tasks.heads import CLASSIFICATION, DENSE, SEGMENTATION, check_task, task_of
from vitspace.tasks.pyramid import check_backbone
from vitspace.training.images import Images, open_images
from vitspace.training.masks import check_recipe, open_masks
from vitspace.training.recipe import PAPER, Recipe, load_recipe, paper_recipe


def check_trainable(task: str, spec: Spec) -> None:
    """Check that a design can be trained for a task.

    Raises:
        InputError: there is no such task, it is not trained here, or the design is no backbone.
    """
    check_task(task)
    if task == CLASSIFICATION:
        return
    if (kind := task_of(task).kind) != SEGMENTATION:
        known = ", ".join(name for name in DENSE if task_of(name).kind == SEGMENTATION)
        raise InputError(
            f"a task that is trained is {CLASSIFICATION} or one of segmentation ({known}), but got {task}, which is "
            f"{kind}: it is built and counted, and its training is left to the toolboxes"
        )
    check_backbone(spec)


def choose_recipe(named: str, spec: Spec, task: str) -> tuple[str, Recipe, str]:
    """Return name and recipe, and why it is not the family's own, if so.

    Raises:
        InputError: there is no such recipe, or it is none for the task.
    """
    if task == CLASSIFICATION:
        chosen, why = paper_recipe(spec) if named == PAPER else (named, "")
        return *load_recipe(chosen, spec.family), why
    name, recipe = load_recipe(SEGMENTATION if named == PAPER else named, spec.family)
    check_recipe(name, recipe)
    return name, recipe, ""


def open_data(text: str, task: str, img_size: int, seed: int, num_classes: int | None) -> Images:
    """Open the data of a task.

    Raises:
        InputError: there is no such source, or it does not hold what the task needs.
    """
    if task != CLASSIFICATION:
        return open_masks(text, num_classes)
    if num_classes is not None:
        raise InputError(f"num-classes is of masks; {', '.join(SOURCES)} tell theirs, but got {num_classes}")
    return open_images(text, img_size, seed)


def rates(recipe: Recipe, task: str) -> dict[str, Any]:
    """Return the rates by which a network drops: its blocks, and of classification also its features."""
    own = {"drop_rate": recipe.dropout} if task == CLASSIFICATION else {}
    return {"drop_path_rate": recipe.drop_path} | own


def check_batch(task: str, network: nn.Module, micro_batch: int, positions: int) -> None:
    """Check how many images at once a task's network trains on.

    Args:
        task: The task.
        network: The network.
        micro_batch: Images at once.
        positions: Positions of the last map, whose mean and variance BatchNorm takes over all images.

    Raises:
        InputError: they are too few.
    """
    least = 1 if task == CLASSIFICATION else task_of(task).least_batch
    if positions == 1 and any(isinstance(module, _BatchNorm) for module in network.modules()):
        least = max(least, 2)
    if micro_batch < least:
        where = " whose last map has one position" if positions == 1 else ""
        raise InputError(f"{task} trains on at least {least} images at once{where}, but got {micro_batch}")
