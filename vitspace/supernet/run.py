"""A training of shared weights from its request to its result."""

import random
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vitspace.errors import FailureError, InputError
from vitspace.fitting import CHECK_EVERY, DivergedError
from vitspace.folders import owning
from vitspace.interrupts import deferring_interrupts, interrupted
from vitspace.machine.devices import seeded
from vitspace.machine.host import machine
from vitspace.machine.resources import available_memory
from vitspace.proxies import ProxyError, shared_images
from vitspace.proxies.batches import TrainBatches, draw_rows
from vitspace.proxies.inherited import inherit
from vitspace.proxies.recipe import with_field
from vitspace.proxies.short_training import validate
from vitspace.sharing.folder import STATE, WEIGHTS, File, sources, write
from vitspace.spec import Spec
from vitspace.supernet.layout import begin, lay_out
from vitspace.supernet.rehearsal import FEWEST, Rehearsal
from vitspace.supernet.request import SupernetRequest, designs_in_words
from vitspace.supernet.resuming import finished, unfinished
from vitspace.supernet.sandwich import DESIGNS, DRAWN, Sandwich
from vitspace.training import TrainingMonitor
from vitspace.training.processes import ProcessGroup, ProcessLostError, processes
from vitspace.units import format_bytes, format_seconds
from vitspace.words import plural

#: Seconds between two states.
SAVE_EVERY = 600.0
#: Bytes of a shared weight in training: itself, its gradient, the two means of the optimiser, and a copy: of the
#: weights while a step is rehearsed, of the gradients while processes exchange them.
_BYTES = 20


def train(request: SupernetRequest, monitor: TrainingMonitor) -> dict[str, Any]:
    """Train the weights that the designs of a space share, and return what is known of them.

    An interrupt saves the state and is raised on; so does the end of another of the processes that torchrun started.

    Raises:
        InputError: a setting breaks a rule, the folder is taken, or the device has not the memory.
        FailureError: the loss is not finite, the disk is full, or another process has ended.
    """
    with (
        processes(request.device) as place,
        owning(request.out if place.leads else None, "a training of shared weights"),
    ):
        if facts := finished(request):
            return facts
        training = SupernetTraining(request, monitor, place)
        training.introduce()
        try:
            training.run()
        except (KeyboardInterrupt, ProcessLostError):
            training.save()
            monitor.note(f"saved after {training.done} of {training.steps} steps; --resume goes on")
            raise
        return training.finish()


class SupernetTraining:
    """A training under way.

    Attributes:
        done: Steps so far.
        steps: In all.
    """

    def __init__(self, request: SupernetRequest, monitor: TrainingMonitor, place: ProcessGroup) -> None:
        self.request, self.monitor, self.place = request, monitor, place
        recipe = request.open_recipe()
        self._check_shares(recipe.batch_size)
        monitor.note(f"loading {recipe.data}")
        self.dataset = recipe.load(request.seed)
        space, limit = request.open_space()  # last, for a large space is explored for minutes
        self.recipe = recipe.on(self.dataset).model_copy(update={"epochs": None})  # which are steps there
        assert self.recipe.steps is not None
        self.steps, self.done, self.classes = self.recipe.steps, 0, len(self.dataset.classes)
        self.facts = self._facts(space.config.model_dump_json(), space.name, list(space.families))
        self.state = unfinished(request, self.facts, self.recipe)
        monitor.note(f"looking at {designs_in_words(space, limit, request.budget)}")
        self.smallest, self.largest = space.ends(limit)
        self.drawn = space.draw(DRAWN * self.steps, limit, request.seed, replace=True)
        self.layout = lay_out(space, limit.macs, self.recipe, self.classes)
        self._check_memory()
        store = begin(self.layout, request.seed).to(place.device)
        self.sandwich = Sandwich(store, self.recipe, self.classes, place.agree)
        self.batches = TrainBatches(self.recipe, self.dataset, place.device, torch.Generator())
        self.losses: list[Tensor] = []
        self.saved, self.before = time.monotonic(), 0.0

    def introduce(self) -> None:
        """Say what a step takes, by one that is undone, and take up the state, if there is one.

        Raises:
            InputError: the device has not the memory.
            FailureError: the loss is not finite.
        """
        if self.state:
            self.done = self.state.facts["done"]
            self.monitor.note(f"going on after {self.done} of {self.steps} steps")
        if self.done < self.steps:
            with seeded(self.request.seed, self.place.device):
                self._rehearse()
        if self.state:
            self._go_on(self.state)

    def run(self) -> None:
        """Do the steps that are left.

        Raises:
            FailureError: the loss is not finite, or another process has ended.
        """
        began = time.monotonic()
        with seeded(self.request.seed, self.place.device):
            for rows in islice(self._rows(), self.done, None):
                with deferring_interrupts():
                    self._step(rows)
                    self.facts["seconds"] = self.before + time.monotonic() - began
                    if time.monotonic() - self.saved > SAVE_EVERY:
                        self.save()
                    self.monitor.progress(self.done, self.steps)
                    if self.place.any(interrupted()) and not interrupted():
                        raise KeyboardInterrupt  # as the others do, after the same step
            self._check_finite()
            self.save()  # a validation follows

    def save(self) -> None:
        """Write what going on takes, unless a loss or the weights are not finite."""
        told = [*self.losses, *self.sandwich.store.tensors.values()]
        if not all(each.isfinite().all() for each in told):
            return
        self.saved = time.monotonic()
        if not self.place.leads:
            return
        losses = torch.stack(self.losses) if self.losses else torch.zeros(0, DESIGNS)
        write(self.request.out, STATE, {**self.sandwich.state(), "losses": losses}, self._told())

    def finish(self) -> dict[str, Any]:
        """Validate the smallest and the largest design, write the weights, and return what is known of them.

        The process that leads does so; the others know what was known before.
        """
        if not self.place.leads:
            return self._told()
        store, ends = self.sandwich.store, {}
        for name, spec in (("smallest", self.smallest), ("largest", self.largest)):
            try:
                loss, accuracy = validate(inherit(store, spec, self.recipe, self.dataset), self.recipe, self.dataset)
            except ProxyError as error:
                raise FailureError(f"the {name} design: {error}; {STATE} is kept") from None
            ends[name] = {"spec_id": spec.id, "val_loss": loss, "accuracy": accuracy}
        self.facts |= {
            "ends": ends,
            "train_losses": torch.stack(self.losses[-max(1, self.steps // 10) :]).mean(0).tolist(),
        }
        weights = {f"weight/{role}": each for role, each in store.tensors.items()}
        write(self.request.out, WEIGHTS, weights, self._told())
        (self.request.out / STATE).unlink(missing_ok=True)
        return self._told()

    def designs(self, step: int) -> list[Spec]:
        """Return the designs of a step, numbered from 0, the largest first."""
        return [self.largest, self.smallest, *self.drawn[DRAWN * step : DRAWN * (step + 1)]]

    def _step(self, rows: Tensor) -> None:
        try:
            shares = self.sandwich.step(*self._batch(rows), self.designs(self.done), self.done)
        except DivergedError as error:
            raise self._diverged(error.loss, error.step) from None
        self.losses.append(torch.stack(shares).float() * DESIGNS)
        self.done += 1
        if self.done % CHECK_EVERY == 0:
            self._check_finite()

    def _batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Make the next step's batch, and return this process's part of it.

        All random numbers from here to the step's end are the step's own. Each process makes the whole batch, so that
        images are changed and mixed as one process does it; what is random in the networks differs between processes.
        """
        seed = int(np.random.default_rng([self.request.seed, self.done]).integers(1 << 62))
        torch.manual_seed(seed)
        np.random.seed(seed % (1 << 32))
        random.seed(seed)  # of which erasing draws
        inputs, targets = self.batches.batch(rows, torch.Generator().manual_seed(seed))
        rank, world = self.place.rank, self.place.world
        if world > 1:
            torch.manual_seed(seed + rank)
        return inputs[rank::world], targets[rank::world]

    def _rows(self) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(self.request.seed)
        return draw_rows(len(self.dataset.train_labels), self.recipe.batch_size, self.steps, generator)

    def _check_finite(self) -> None:
        if self.losses and not (last := torch.stack(self.losses[-CHECK_EVERY:])).isfinite().all():
            raise self._diverged(float(last.sum()), self.done)

    def _diverged(self, loss: float, step: int) -> FailureError:
        kept = " what was saved before is kept;" if (self.request.out / STATE).is_file() else ""
        return FailureError(
            f"the training loss is {loss} by step {step};{kept} try a lower lr, as in "
            f"--recipe {with_field(self.request.recipe, 'lr', f'{self.recipe.lr / 3:.1g}')}, and another --out"
        )

    def _check_shares(self, images: int) -> None:
        """Check that a step's images can be shared by the processes."""
        world = self.place.world
        if world > 1 and (images % world or images < FEWEST * world):
            fits = max(FEWEST, round(images / world)) * world
            raise InputError(
                f"{world} processes share a step's images, {FEWEST} each or more, so that batch_size is a multiple of "
                f"{world}, but got {images}: --recipe {with_field(self.request.recipe, 'batch_size', fits)}"
            )

    def _check_memory(self) -> None:
        """Refuse what the CPU's memory cannot hold: a process that takes too much is killed without a word."""
        if self.place.device.type != "cpu":
            return
        wanted, there = self.place.local * _BYTES * self.layout.params, available_memory()
        if wanted > there:
            raise InputError(
                f"{self.layout.params / 1e6:.1f} M shared weights take {format_bytes(wanted)} in training, but "
                f"{format_bytes(there)} are free; a lower --budget has fewer"
            )

    def _rehearse(self) -> None:
        """Say memory and seconds of a step."""
        designs, world = self.designs(self.done), self.place.world
        trial = Rehearsal(
            self.sandwich.store, self.recipe, self.classes, self.place, designs, self.done, self._any_batch
        )
        try:
            self._check_fits(trial.fitting())
            seconds = trial.seconds()
        except DivergedError as error:
            raise self._diverged(error.loss, error.step) from None
        whole, left = format_bytes(_BYTES * self.layout.params), self.steps - self.done
        each = f" by each of {world} processes" if world > 1 else ""
        self.monitor.note(
            f"{self.layout.params / 1e6:.1f} M shared weights, {whole} with gradients, optimiser and a copy; "
            f"{format_bytes(trial.memory())} in use on {self.place.device}{each} after a step"
        )
        self.monitor.note(
            f"{plural(left, 'step')} of {DESIGNS} designs, {plural(self.recipe.batch_size, 'image')} each; "
            f"{seconds:.2f} s a step, about {format_seconds(left * seconds)} in all"
        )

    def _check_fits(self, images: int) -> None:
        """Check that so many images, with which a step fits into memory, are the recipe's."""
        wanted, fewest = self.recipe.batch_size, FEWEST * self.place.world
        none = f"no memory is left on {self.place.device} at the largest design"
        if not images:
            raise InputError(f"{none}, even with {fewest} images a step; a lower --budget has smaller ones")
        if images < wanted:
            raise InputError(
                f"{none} with {wanted} images a step, but {images} fit: "
                f"--recipe {with_field(self.request.recipe, 'batch_size', images)}"
            )

    def _any_batch(self, images: int) -> tuple[Tensor, Tensor]:
        """Make a batch of so many images, and return this process's part of it."""
        return self._batch(torch.arange(images) % len(self.dataset.train_labels))

    def _facts(self, space_file: str, space: str, families: list[str]) -> dict[str, Any]:
        request = self.request
        return {
            "space": space,
            "space_typed": request.space,
            "space_file": space_file,
            "budget": request.budget,
            "recipe": self.recipe.model_dump(),
            **shared_images.told(self.recipe.data),
            "classes": list(self.dataset.classes),
            "train_images": len(self.dataset.train_labels),
            "seed": request.seed,
            "sources": sources(families),
            "steps": self.steps,
            "seconds": 0.0,
            "device": str(self.place.device),
            "processes": self.place.world,
            "command": request.command,
            "machine": machine(),
        }

    def _told(self) -> dict[str, Any]:
        layout = self.layout
        shapes = {"undecayed": sorted(layout.undecayed), "drawn": sorted(layout.drawn), "params": layout.params}
        return self.facts | shapes | {"done": self.done}

    def _go_on(self, state: File) -> None:
        self.before = state.facts["seconds"]
        self.losses = list(state.tensors.pop("losses").to(self.place.device))
        self.sandwich.load(state.tensors)
