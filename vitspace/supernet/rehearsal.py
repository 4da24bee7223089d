"""A step of shared weights that is tried before the training and undone: whether it fits, and what it takes."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from vitspace.fitting import Batch
from vitspace.machine.devices import is_out_of_memory
from vitspace.machine.resources import memory_in_use
from vitspace.proxies.recipe import TrainingProxy
from vitspace.sharing import Store
from vitspace.spec import Spec
from vitspace.supernet.sandwich import Sandwich
from vitspace.training.processes import ProcessGroup

#: Images of a process that are tried at least; of one alone there are no batch statistics.
FEWEST = 2


@dataclass(frozen=True)
class Rehearsal:
    """A step that is tried.

    Attributes:
        store: The weights, which are afterwards what they were.
        recipe: Of the training.
        classes: Of the classifier.
        place: This process.
        designs: Of the step.
        taken: Steps before it.
        batch: Returns this process's part of a batch of so many images of all processes.
    """

    store: Store
    recipe: TrainingProxy
    classes: int
    place: ProcessGroup
    designs: Sequence[Spec]
    taken: int
    batch: Callable[[int], Batch]

    def fitting(self) -> int:
        """Return with how many images a step fits into the memory of all processes: the recipe's, fewer, or 0."""
        world = self.place.world
        return self.place.least(self.most(self.recipe.batch_size // world)) * world

    def most(self, images: int) -> int:
        """Return with how many of so many images this process can take a step: all, a half, ..., FEWEST, or 0."""
        try:
            self.alone(images)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        else:
            return images
        half = images // 4 * 2  # even, as mixup needs
        return self.most(half) if half else 0

    def alone(self, images: int) -> None:
        """Take a step with so many images of this process, of which no other is told, and undo it."""
        self._step(images * self.place.world, None)

    def seconds(self) -> float:
        """Take the step with all processes, undo it, and return its seconds: from its images to its optimiser."""
        return self._step(self.recipe.batch_size, self.place.agree)

    def memory(self) -> int:
        """Return the bytes in use on the device: on CUDA the most so far."""
        device = self.place.device
        return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else memory_in_use()

    def _step(self, images: int, agree: Callable[[Sequence[torch.Tensor]], None] | None) -> float:
        sandwich = Sandwich(self.store, self.recipe, self.classes, agree)
        with self._undone():
            start = time.perf_counter()
            sandwich.step(*self.batch(images), self.designs, self.taken)
            if self.place.device.type == "cuda":
                torch.cuda.synchronize(self.place.device)
            return time.perf_counter() - start

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Keep the weights beside the device, and put them back."""
        before = [each.detach().to("cpu", copy=True) for each in self.store.parameters()]
        try:
            yield
        finally:
            self.store.zero_grad(set_to_none=True)
            with torch.no_grad():
                for each, kept in zip(self.store.parameters(), before, strict=True):
                    each.copy_(kept)
