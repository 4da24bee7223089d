"""Fits a recipe to the data and the machine, and checks it before anything is built."""

import math
from dataclasses import dataclass

from vitspace.errors import InputError
from vitspace.training.recipe import SMALL, Recipe
from vitspace.words import plural

#: Updates below which a training from scratch is said to be short.
FEW_UPDATES = 1000
#: Batches an epoch that a batch is advised for.
_BATCHES = 10


@dataclass(frozen=True)
class Overrides:
    """What the user sets over the recipe; None leaves it as it is.

    Attributes:
        epochs: Epochs; warm-up and decay keep their shares.
        batch_size: Images an update, over all processes; learning rates follow it unless ``lr`` is set.
        lr: Learning rate after warm-up.
        img_size: Side of the image in pixels.
        micro_batch: Images at once on a device; what is left of a batch is accumulated.
    """

    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    img_size: int | None = None
    micro_batch: int | None = None


@dataclass(frozen=True)
class Plan:
    """What is done.

    Attributes:
        recipe: With the user's overrides in it.
        updates: Optimiser steps an epoch.
        micro_batch: Images at once in one process.
        accumulate: Micro-batches of one process an update.
        changes: What differs from the recipe as it is printed, in words.
    """

    recipe: Recipe
    updates: int
    micro_batch: int
    accumulate: int
    changes: tuple[str, ...]

    @property
    def total(self) -> int:
        """Optimiser steps in all."""
        return self.updates * self.recipe.epochs


def make_plan(recipe: Recipe, overrides: Overrides, train_images: int, world: int, at_once: int | None = None) -> Plan:
    """Fit a recipe.

    Args:
        recipe: As it is printed.
        overrides: What the user sets over it.
        train_images: How many there are.
        world: Processes that share a batch.
        at_once: Images that a process takes at once at most, unless the user sets ``micro_batch``.

    Raises:
        InputError: the learning rate is not over 0, or the batch does not divide or is larger than the training set.
    """
    if overrides.lr is not None and not 0 < overrides.lr < float("inf"):
        raise InputError(f"lr is a number over 0, but got {overrides.lr:g}")
    fitted, changes = _overridden(recipe, overrides)
    batch, micro = fitted.batch_size, overrides.micro_batch
    if batch > train_images:
        raise InputError(
            f"a batch is at most the {train_images} training images, but got {batch}; {_smaller(train_images, world)}"
        )
    micro = micro or _divisor(batch // world, at_once)
    if not micro or batch % (micro * world):
        raise InputError(
            f"batch-size is a multiple of micro-batch times processes, but got {batch}, {micro} and {world}"
        )
    if fitted.mixes and micro % 2:
        raise InputError(f"mixup and cutmix need an even number of images at once, but got {micro}")
    if batch > micro * world:
        changes.append(f"{micro} images at once, whose gradients add up to the batch")
    return Plan(fitted, train_images // batch, micro, batch // (micro * world), tuple(changes))


def _smaller(images: int, world: int) -> str:
    """Say what to type for a batch of which an epoch has ten, or as many as there are."""
    batch = 2 * world
    while 2 * batch * _BATCHES <= images:
        batch *= 2
    return f"--batch-size {min(batch, images)} sets a smaller one, and --recipe {SMALL} is for few images"


def _divisor(images: int, most: int | None) -> int:
    """Return the largest part of a batch that is at most so large and even where the batch is.

    Raises:
        InputError: there is none but single images.
    """
    if most is None or images <= most:
        return images
    fits = [n for n in range(2, most + 1) if images % n == 0 and (n % 2 == 0 or images % 2 == 1)]
    if not fits:
        raise InputError(
            f"a CPU takes 2 to {most} images at once, equal parts of a batch, but {images} has no such part; "
            "--batch-size sets another, or --micro-batch how many are taken at once"
        )
    return fits[-1]


def _followed(before: Recipe, now: Recipe) -> str:
    """Say how the learning rate follows the batch."""
    linear = before.lr * now.batch_size / before.batch_size
    rates = f", learning rate {now.lr:.3g} for {before.lr:.3g}"
    if math.isclose(linear, now.lr):
        return f"{rates} in proportion"
    return f"{rates}, the least of small batches; in proportion it were {linear:.2g}, and --lr sets another"


def few_updates(plan: Plan, recipe: str) -> str:
    """Say what helps where a training from scratch by the recipe of that name has few updates; else nothing."""
    if plan.total >= FEW_UPDATES:
        return ""
    small = [] if recipe == SMALL else [f"--recipe {SMALL}, which is for few images"]
    helps = ", ".join([*small, "more --epochs"])
    return (
        f"{plan.total:,} updates in all are few for a training from scratch; what helps: {helps}, and --init with "
        "trained weights"
    )


def _overridden(recipe: Recipe, overrides: Overrides) -> tuple[Recipe, list[str]]:
    changes = []
    if overrides.epochs and overrides.epochs != recipe.epochs:
        changes.append(f"{plural(overrides.epochs, 'epoch')} for {recipe.epochs}, warm-up and decay in proportion")
        recipe = recipe.shortened(overrides.epochs)
    if overrides.batch_size and overrides.batch_size != recipe.batch_size:
        before, recipe = recipe, recipe.rebatched(overrides.batch_size)
        followed = "" if overrides.lr else _followed(before, recipe)
        changes.append(f"batch {recipe.batch_size} for {before.batch_size}{followed}")
    if overrides.lr:
        changes.append(f"learning rate {overrides.lr:g}")
        recipe = recipe.model_copy(update={"lr": overrides.lr, "min_lr": min(recipe.min_lr, overrides.lr)})
    if overrides.img_size and overrides.img_size != recipe.img_size:
        changes.append(
            f"{overrides.img_size} px for {recipe.img_size}; the design is as it is, its windows padded where they do "
            "not divide the map"
        )
        recipe = recipe.model_copy(update={"img_size": overrides.img_size})
    return recipe, changes
