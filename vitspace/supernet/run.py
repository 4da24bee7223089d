"""A training of shared weights from its request to its result."""

import random
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vitspace.errors import FailureError, InputError
from vitspace.fitting import CHECK_EVERY, DivergedError
from vitspace.folders import owning
from vitspace.interrupts import deferring_interrupts
from vitspace.machine.devices import autocast, check_device, is_out_of_memory, seeded
from vitspace.machine.host import machine
from vitspace.machine.quiet import training_step
from vitspace.machine.resources import available_memory, memory_in_use
from vitspace.proxies import ProxyError
from vitspace.proxies.batches import TrainBatches, draw_rows
from vitspace.proxies.inherited import inherit
from vitspace.proxies.recipe import with_field
from vitspace.proxies.short_training import validate
from vitspace.sharing import Store
from vitspace.sharing.folder import STATE, WEIGHTS, File, read, sources, write
from vitspace.spec import Spec
from vitspace.supernet.layout import begin, lay_out
from vitspace.supernet.request import SupernetRequest, designs_in_words
from vitspace.supernet.sandwich import DESIGNS, DRAWN, Sandwich
from vitspace.training import TrainingMonitor
from vitspace.training.processes import started
from vitspace.units import format_bytes, format_seconds
from vitspace.words import plural

#: Seconds between two states.
SAVE_EVERY = 600.0
#: Bytes of a shared weight in training: itself, its gradient, and the two means of the optimiser.
_BYTES = 16
#: What a resumed training keeps.
_KEPT = ("space", "space_file", "budget", "recipe", "classes", "train_images", "seed")


def train(request: SupernetRequest, monitor: TrainingMonitor) -> dict[str, Any]:
    """Train the weights that the designs of a space share, and return what is known of them.

    An interrupt saves the state and is raised on.

    Raises:
        InputError: a setting breaks a rule, the folder is taken, the device has not the memory, or torchrun started
            several processes.
        FailureError: the loss is not finite, or the disk is full.
    """
    if started() > 1:
        raise InputError(f"shared weights are trained by one process on one device, but torchrun started {started()}")
    with owning(request.out, "a training of shared weights"):
        found = _finished(request)
        if found:
            return found.facts
        training = SupernetTraining(request, monitor)
        try:
            training.run()
        except KeyboardInterrupt:
            training.save()
            monitor.note(f"saved after {training.done} of {training.steps} steps; --resume goes on")
            raise
        return training.finish()


def _finished(request: SupernetRequest) -> File | None:
    """Return the weights of a training that is resumed and had come to its end.

    Raises:
        InputError: there is a training and none is resumed, none to resume, or one of other settings.
    """
    weights, state = ((request.out / name).is_file() for name in (WEIGHTS, STATE))
    where = repr(str(request.out))
    if not request.resume and (weights or state):
        raise InputError(
            f"shared weights are trained in a new folder, but {where} has some; --resume goes on with the same "
            "settings, --out names another folder"
        )
    if request.resume and not (weights or state):
        raise InputError(f"--resume goes on with a training of shared weights, but {where} has none")
    if not weights:
        return None
    found = read(request.out)
    space, _ = request.open_space()
    _check_kept(
        found.facts,
        {"space_file": space.config.model_dump_json(), "budget": request.budget, "seed": request.seed},
        request,
    )
    asked = request.open_recipe().model_dump()
    counted = {"steps", "epochs", "warmup"} if asked["epochs"] is not None else set()  # which the data decide
    given = {name: asked[name] for name in asked.keys() - counted}
    _check_kept(found.facts["recipe"], given, request)
    return found


def _check_kept(facts: Mapping[str, Any], own: Mapping[str, Any], request: SupernetRequest) -> None:
    """Check that a training goes on with the settings that it began with.

    Raises:
        InputError: one differs.
    """
    for name, value in own.items():
        if facts.get(name) != value:
            raise InputError(
                f"a resumed training keeps its {name.replace('_', ' ')}, which differs from that in "
                f"{str(request.out)!r}; --out names another folder"
            )


class SupernetTraining:
    """A training under way.

    Attributes:
        done: Steps so far.
        steps: In all.
    """

    def __init__(self, request: SupernetRequest, monitor: TrainingMonitor) -> None:
        self.request, self.monitor = request, monitor
        recipe, self.device = request.open_recipe(), check_device(request.device)
        monitor.note(f"loading {recipe.data}")
        self.dataset = recipe.load(request.seed)
        space, limit = request.open_space()  # last, for a large space is explored for minutes
        self.recipe = recipe.on(self.dataset).model_copy(update={"epochs": None})  # which are steps there
        assert self.recipe.steps is not None
        self.steps, self.done, self.classes = self.recipe.steps, 0, len(self.dataset.classes)
        self.facts = self._facts(space.config.model_dump_json(), space.name, list(space.families))
        state = self._state() if request.resume else None
        monitor.note(f"looking at {designs_in_words(space, limit, request.budget)}")
        self.smallest, self.largest = space.ends(limit)
        self.drawn = space.draw(DRAWN * self.steps, limit, request.seed, replace=True)
        self.layout = lay_out(space, limit.macs, self.recipe, self.classes)
        self._check_memory()
        store = self._empty() if state else begin(self.layout, request.seed)
        self.sandwich = Sandwich(store.to(self.device), self.recipe, self.classes)
        self.batches = TrainBatches(self.recipe, self.dataset, self.device, torch.Generator())
        self.losses: list[Tensor] = []
        self.saved, self.before = time.monotonic(), 0.0
        if state:
            self._load(state)

    def run(self) -> None:
        """Do the steps that are left.

        Raises:
            InputError: the device has not the memory.
            FailureError: the loss is not finite.
        """
        began = time.monotonic()
        with seeded(self.request.seed, self.device):
            self._introduce()
            for rows in islice(self._rows(), self.done, None):
                with deferring_interrupts():
                    self._step(rows)
                    self.facts["seconds"] = self.before + time.monotonic() - began
                    if time.monotonic() - self.saved > SAVE_EVERY:
                        self.save()
                    self.monitor.progress(self.done, self.steps)
            self._check_finite()
            self.save()  # a validation follows

    def save(self) -> None:
        """Write what going on takes, unless the loss says that the weights are spoilt."""
        if self.losses and not torch.stack(self.losses).isfinite().all():
            return
        losses = torch.stack(self.losses) if self.losses else torch.zeros(0, DESIGNS)
        write(self.request.out, STATE, {**self.sandwich.state(), "losses": losses}, self._told())
        self.saved = time.monotonic()

    def finish(self) -> dict[str, Any]:
        """Validate the smallest and the largest design, write the weights, and return what is known of them."""
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
        inputs, targets = self._batch(rows, self.done)
        try:
            shares = self.sandwich.step(inputs, targets, self.designs(self.done), self.done)
        except DivergedError as error:
            raise self._diverged(error.loss, error.step) from None
        self.losses.append(torch.stack(shares).float() * DESIGNS)
        self.done += 1
        if self.done % CHECK_EVERY == 0:
            self._check_finite()

    def _batch(self, rows: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Make the batch of a step; all random numbers from here to the step's end are the step's own."""
        seed = int(np.random.default_rng([self.request.seed, step]).integers(1 << 62))
        torch.manual_seed(seed)
        np.random.seed(seed % (1 << 32))
        random.seed(seed)  # of which erasing draws
        return self.batches.batch(rows, torch.Generator().manual_seed(seed))

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

    def _check_memory(self) -> None:
        """Refuse what the CPU's memory cannot hold: a process that takes too much is killed without a word."""
        wanted, there = _BYTES * self.layout.params, available_memory()
        if self.device.type == "cpu" and wanted > there:
            raise InputError(
                f"{self.layout.params / 1e6:.1f} M shared weights take {format_bytes(wanted)} in training, but "
                f"{format_bytes(there)} are free; a lower --budget has fewer"
            )

    def _introduce(self) -> None:
        """Say memory and seconds of a step, as one tells that changes nothing."""
        if self.done:
            self.monitor.note(f"going on after {self.done} of {self.steps} steps")
        if not (left := self.steps - self.done):
            return
        seconds = self._rehearse()
        cuda = self.device.type == "cuda"
        in_use = torch.cuda.max_memory_allocated(self.device) if cuda else memory_in_use()
        whole = format_bytes(_BYTES * self.layout.params)
        self.monitor.note(
            f"{self.layout.params / 1e6:.1f} M shared weights, {whole} with gradients and optimiser; "
            f"{format_bytes(in_use)} in use on {self.device} after a step's forward and backward passes"
        )
        self.monitor.note(
            f"{plural(left, 'step')} of {DESIGNS} designs, {plural(self.recipe.batch_size, 'image')} each; "
            f"{seconds:.2f} s a step, about {format_seconds(left * seconds)} in all"
        )

    def _rehearse(self) -> float:
        """Return the seconds of the next step's passes.

        Raises:
            InputError: the device has not the memory; the message says what would fit.
        """
        size = self.recipe.batch_size
        while True:
            try:
                seconds = self._passes(size)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if size <= 2:
                    raise InputError(
                        f"no memory is left on {self.device} at the largest design, even with {size} images a step; "
                        "a lower --budget has smaller ones"
                    ) from None
                size //= 2
                continue
            if size < self.recipe.batch_size:
                raise InputError(
                    f"no memory is left on {self.device} at the largest design with {self.recipe.batch_size} images a "
                    f"step, but {size} fit: --recipe {with_field(self.request.recipe, 'batch_size', size)}"
                )
            return seconds

    def _passes(self, images: int) -> float:
        start = time.perf_counter()
        rows = torch.arange(images) % len(self.dataset.train_labels)
        inputs, _ = self._batch(rows, self.done)
        for design in self.designs(self.done):
            with training_step(self.device.type == "cpu"):
                with autocast(self.recipe.precision, self.device):
                    scores = self.sandwich.scores(design, inputs)
                scores.float().square().mean().backward()
        self.sandwich.store.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - start

    def _facts(self, space_file: str, space: str, families: list[str]) -> dict[str, Any]:
        request = self.request
        return {
            "space": space,
            "space_typed": request.space,
            "space_file": space_file,
            "budget": request.budget,
            "recipe": self.recipe.model_dump(),
            "classes": list(self.dataset.classes),
            "train_images": len(self.dataset.train_labels),
            "seed": request.seed,
            "sources": sources(families),
            "steps": self.steps,
            "seconds": 0.0,
            "device": str(self.device),
            "command": request.command,
            "machine": machine(),
        }

    def _told(self) -> dict[str, Any]:
        layout = self.layout
        shapes = {"undecayed": sorted(layout.undecayed), "drawn": sorted(layout.drawn), "params": layout.params}
        return self.facts | shapes | {"done": self.done}

    def _state(self) -> File:
        """Return the state to go on from.

        Raises:
            InputError: it is damaged, or of other settings.
        """
        state = read(self.request.out, STATE)
        _check_kept(state.facts, {name: self.facts[name] for name in _KEPT}, self.request)
        return state

    def _empty(self) -> Store:
        return Store(self.layout.shapes, self.layout.drawn, self.layout.undecayed)

    def _load(self, state: File) -> None:
        self.done, self.before = state.facts["done"], state.facts["seconds"]
        self.losses = list(state.tensors.pop("losses").to(self.device))
        self.sandwich.load(state.tensors)
