"""A training from its request to its result."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from vitspace.design import Design
from vitspace.errors import InputError, shown
from vitspace.files import parse_json
from vitspace.folders import owning
from vitspace.interrupts import deferring_interrupts
from vitspace.machine.host import machine
from vitspace.tasks.building import build
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.training.folder import STATE, Folder
from vitspace.training.inheriting import begin, read_init
from vitspace.training.loading import usual_workers
from vitspace.training.loop import Loop
from vitspace.training.plan import Overrides, few_updates, make_plan
from vitspace.training.processes import ProcessGroup, processes
from vitspace.training.recipe import PAPER
from vitspace.training.tasks import check_batch, check_trainable, choose_recipe, open_data, rates
from vitspace.words import plural

#: Seconds between two states within an epoch.
SAVE_EVERY = 600.0
_AT_ONCE = 32
#: What is noted of an epoch, beside what it is judged by.
_COLUMNS = (
    *("epoch", "lr", "train_loss", "val_loss", "skipped_train", "skipped_val"),
    *("images_per_second", "seconds"),
)


class TrainingMonitor(Protocol):
    """Is told how a training goes."""

    def note(self, text: str) -> None:
        """Say a line."""

    def progress(self, done: int, total: int) -> None:
        """``done`` of ``total`` updates are made."""


@dataclass(frozen=True)
class TrainingRequest:
    """What is asked for.

    Attributes:
        design: The architecture.
        data: As `vitspace.data.load_data` reads it; a folder of images is read from disk as it is needed.
        out: The folder.
        recipe: paper, a recipe's name, or a path to a .yaml.
        overrides: What is set over the recipe.
        seed: Of the weights, the order of images, augmentation and stochastic depth.
        device: auto, cpu, cuda, cuda:1 or mps.
        workers: Processes that load images, for each that trains; None is `usual_workers` for images on disk, else 0.
        resume: Go on with what the folder has.
        command: What was typed, for the record.
        init: A .safetensors of this design to begin with, or ``supernet:DIR``; None begins with its initialisation.
        task: classification, or a task of segmentation.
        num_classes: Of segmentation; None is the masks' largest value and one more.
    """

    design: Design
    data: str
    out: Path
    recipe: str = PAPER
    overrides: Overrides = field(default_factory=Overrides)
    seed: int = 0
    device: str = "auto"
    workers: int | None = 0
    resume: bool = False
    command: str = ""
    init: Path | None = None
    task: str = CLASSIFICATION
    num_classes: int | None = None


def train(request: TrainingRequest, monitor: TrainingMonitor) -> dict[str, Any]:
    """Train a design in full, and return the result; see `Training.result`.

    An interrupt saves the state and is raised on.

    Raises:
        InputError: a setting breaks a rule, or the folder is taken.
        FailureError: the loss is not finite, no memory is left, or the disk is full.
    """
    with processes(request.device) as place, owning(request.out if place.leads else None, "a training"):
        training = Training(request, monitor, place)
        try:
            training.run()
        except KeyboardInterrupt:
            training.save()
            monitor.note(f"saved after {training.loop.done} of {training.plan.total} updates; --resume goes on")
            raise
        return training.result()


class Training:
    """A training under way."""

    def __init__(self, request: TrainingRequest, monitor: TrainingMonitor, place: ProcessGroup) -> None:
        self.request, self.monitor, self.place = request, monitor, place
        spec, self.task = request.design.spec, request.task
        check_trainable(self.task, spec)
        self.recipe_name, recipe, why = choose_recipe(request.recipe, spec, self.task)
        img_size = request.overrides.img_size or recipe.img_size
        if img_size < spec.stride:
            raise InputError(f"img-size is at least the design's stride {spec.stride}, but got {img_size}")
        self.images = open_data(request.data, self.task, img_size, request.seed, request.num_classes)
        self.goal = self.images.goal
        begun = read_init(request.init, spec, self.task) if request.init and not request.resume else None
        self.images = self.images.normalised(begun.facts if begun else {})  # as the weights are used to
        self.plan = make_plan(recipe, request.overrides, len(self.images.train), place.world, _at_once(place))
        self.folder = Folder(request.out, self._settings())
        torch.manual_seed(request.seed)  # the same network in every process
        classes = len(self.images.classes)
        network = build(spec, classes, img_size, self.task, **rates(self.plan.recipe, self.task))
        self.new = begin(network, begun, spec, self.task, classes) if begun else ""
        check_batch(self.task, network, self.plan.micro_batch, (-(-img_size // spec.stride)) ** 2)
        state = self.folder.open(request.resume) if place.leads or request.resume else None
        self.images = self.images.normalised(state or {})
        self.loop = Loop(network, self.plan, self.images, place, request.seed, self._workers())
        self.rows: list[dict[str, Any]] = []
        self.saved, self.began = time.monotonic(), time.monotonic()
        if state:
            self._go_on(state)
        self._introduce(f"{recipe.about} Taken since {why}." if why else recipe.about)

    def _workers(self) -> int:
        """Return the number of loading processes; images in memory they would only slow down."""
        if self.request.workers is not None:
            return self.request.workers
        return usual_workers(self.place.local) if self.images.on_disk else 0

    def _go_on(self, state: dict[str, Any]) -> None:
        """Take up a training where its state was saved.

        Raises:
            InputError: the state lacks something, or is of another network.
        """
        try:
            self.loop.load(state)
            self.rows = self._rows(state)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
            raise InputError(f"{self.folder.path / STATE} is no state of this training: {why}") from None

    def _rows(self, state: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the rows of a state's epochs.

        Raises:
            ValueError: they are none, or of other epochs than its updates.
        """
        rows = parse_json(state["rows"], finite=False)
        known = {*_COLUMNS, self.goal.measure}
        for row in rows:
            if row.keys() != known or not all(type(value) in (int, float) for value in row.values()):
                raise ValueError(f"an epoch has {', '.join(sorted(known))}, each a number, but got {shown(row)}")
        updates, done = self.plan.updates, self.loop.done
        if type(done) is not int or not len(rows) * updates <= done <= (len(rows) + 1) * updates:
            raise ValueError(f"its {len(rows)} epochs are of {updates} updates each, but got {shown(done)}")
        return list(rows)

    def run(self) -> None:
        """Do the epochs that are left."""
        for epoch in range(len(self.rows), self.plan.recipe.epochs):
            start, before = time.monotonic(), self.loop.done
            train_loss = self.loop.run_epoch(epoch, self._updated)
            images = (self.loop.done - before) * self.plan.recipe.batch_size
            rate = images / (time.monotonic() - start)
            val_loss, measured = self.loop.validate()
            row = {
                "epoch": epoch + 1,
                "lr": self.loop.fitting.optimiser.param_groups[0]["lr"],
                "train_loss": train_loss,
                "val_loss": val_loss,
                self.goal.measure: measured,
                "skipped_train": self.images.skipped["train"],
                "skipped_val": self.images.skipped["val"],
                "images_per_second": rate,
                "seconds": time.monotonic() - start,
            }
            with deferring_interrupts():
                self._end_epoch(row)

    def save(self) -> None:
        """Write what going on takes, unless the loss says that the weights are spoilt."""
        if self.place.leads and self.loop.loss_sum.isfinite():
            self.folder.save_state(self.loop.state(), self.rows)
        self.saved = time.monotonic()

    def result(self) -> dict[str, Any]:
        """Return the accuracy with its data, and where the weights are."""
        last, best, measure = self.rows[-1], self._best(), self.goal.measure
        request, out = self.request, self.request.out
        skipped = {"train": max(row["skipped_train"] for row in self.rows), "val": last["skipped_val"]}
        return {
            "name": request.design.name,
            "spec_id": request.design.spec.id,
            "task": self.task,
            "data": request.data,
            "train_images": len(self.images.train) - skipped["train"],
            "val_images": len(self.images.val) - skipped["val"],
            "skipped_images": skipped,
            "passed_over_files": self.images.passed_over,
            "classes": len(self.images.classes),
            "img_size": self.plan.recipe.img_size,
            "recipe": self.recipe_name,
            "changes": list(self.plan.changes),
            "epochs": self.plan.recipe.epochs,
            "epoch": last["epoch"],
            measure: last[measure],
            "val_loss": last["val_loss"],
            f"best_{measure}": best[measure],
            "best_epoch": best["epoch"],
            "seconds": sum(row["seconds"] for row in self.rows),
            "seed": request.seed,
            "init": str(request.init or ""),
            "device": str(self.place.device),
            "processes": self.place.world,
            "out": str(out),
            "weights": {name: str(out / f"{name}.safetensors") for name in ("last", "best")},
            "log": str(out / "log.csv"),
            "command": request.command,
            "machine": machine(),
        }

    def _updated(self) -> None:
        self.monitor.progress(self.loop.done, self.plan.total)
        if time.monotonic() - self.saved > SAVE_EVERY:
            self.save()

    def _end_epoch(self, row: dict[str, Any]) -> None:
        """Write weights, log and state, in this order, so that a state's epochs have theirs."""
        self.rows.append(row)
        self.loop.restart_sum()
        if self.place.leads:
            facts, tensors = self._facts(row), self.loop.validated.state_dict()
            if self._best() is row:
                self.folder.save_weights("best", tensors, facts | {"selected": True})
            self.folder.save_weights("last", tensors, facts)
            self.folder.save_log(self.rows, self.result())
        self.save()
        self.monitor.note(
            f"epoch {row['epoch']} of {self.plan.recipe.epochs}: training loss {row['train_loss']:.3f}, validation "
            f"loss {row['val_loss']:.3f}, {self.goal.words} {row[self.goal.measure]:.2f} %, "
            f"{row['images_per_second']:.0f} images/s{self._skipped()}"
        )

    def _skipped(self) -> str:
        count = sum(self.images.skipped.values())
        return f"; {plural(count, 'file')} skipped, which cannot be read" if count else ""

    def _best(self) -> dict[str, Any]:
        return max(self.rows, key=lambda row: row[self.goal.measure])

    def _facts(self, row: dict[str, Any]) -> dict[str, Any]:
        """What the weights' file says of them."""
        return self.result() | {
            "spec": self.request.design.spec.to_dict(),
            "classes": list(self.images.classes),
            "mean": self.images.mean,
            "std": self.images.std,
            "crop_pct": self.images.crop_pct(self.plan.recipe),
            "interpolation": self.plan.recipe.interpolation,
            "epoch": row["epoch"],
            self.goal.measure: row[self.goal.measure],
        }

    def _settings(self) -> dict[str, Any]:
        return {
            "spec_id": self.request.design.spec.id,
            "task": self.task,
            "data": self.request.data,
            "train_images": len(self.images.train),
            "val_images": len(self.images.val),
            "classes": list(self.images.classes),
            "seed": self.request.seed,
            "init": str(self.request.init or ""),
            "recipe": self.plan.recipe.model_dump(exclude={"about", "sources"}),
        }

    def _introduce(self, about: str) -> None:
        design, plan = self.request.design, self.plan
        of_task = "" if self.task == CLASSIFICATION else f" for {self.task}"
        self.monitor.note(
            f"training {design.name}{of_task} on {self.request.data}: {plural(len(self.images.train), 'image')}, "
            f"{len(self.images.val)} for validation, {plural(len(self.images.classes), 'class')}, "
            f"on {self.place.device} in {plural(self.place.world, 'process')}"
        )
        self.monitor.note(f"recipe {self.recipe_name}: {about}")
        for change in plan.changes:
            self.monitor.note(f"not as the recipe: {change}")
        if not self.request.init and (hint := few_updates(plan, self.recipe_name)):
            self.monitor.note(f"note: {hint}")
        if self.request.init and not self.loop.done:
            self.monitor.note(f"beginning with {self.request.init}{f', with {self.new}' if self.new else ''}")
        if self.loop.done:
            self.monitor.note(f"going on after {self.loop.done} of {plan.total} updates")


def _at_once(place: ProcessGroup) -> int | None:
    """Limit what a CPU takes: beside it, a process that asks for too much memory is killed without a word."""
    return _AT_ONCE if place.device.type == "cpu" else None
