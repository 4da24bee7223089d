"""The recipe of a training proxy, and its presets."""

import hashlib
import math
import re
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from vitspace.data import Dataset, load_data, part_of
from vitspace.errors import InputError, shown
from vitspace.files import validated

#: A folder as a canonical name has it.
_DIGESTED = re.compile(r"[^/]+@[0-9a-f]{8}")


class TrainingProxy(BaseModel):
    """The recipe of a short training.

    Attributes:
        data: The set, as `vitspace.data.load_data` reads it.
        fraction: Share of its training images, drawn evenly over classes.
        img_size: Side of the image in pixels.
        stem_stride: Pixels a side for one position of the first map; below 4, small images keep larger maps.
        width: Factor on the design's channels; see `vitspace.proxies.shrinking`.
        depth: Factor on the blocks of each stage.
        steps: Optimiser steps.
        epochs: Passes over the training images, in place of steps.
        batch_size: Images a step.
        lr: Learning rate after warm-up; it falls to 0 along a cosine.
        weight_decay: Of AdamW, on matrices only.
        warmup: Steps of linear warm-up.
        label_smoothing: In the training loss; the validation loss has none.
        drop_path: Stochastic depth of the last block.
        clip_grad: Largest norm of the gradient.
        flip: Mirror half of the images, where the set allows it.
        padding: Pixels that the random crop may shift an image by.
        erase: Share of the images that lose a rectangle (timm's RandomErasing).
        mixup: Its alpha (timm's Mixup); 0 mixes nothing.
        max_train: At most so many training images.
        max_val: At most so many validation images.
        precision: bf16 is autocast; auto is bf16 on CUDA, float32 elsewhere.
        channels_last: Whether maps lie in memory pixel by pixel, which convolutions on GPUs like.
        compile: Whether torch.compile fuses the network, which pays from some thousand steps on.
        ema: Decay of the moving average of weights that is validated (timm's ModelEmaV3, warmed up); 0 is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data: str = "fractal"
    fraction: float = Field(1.0, gt=0, le=1)
    img_size: int = Field(64, ge=32)
    stem_stride: Literal[1, 2, 4] = 4
    width: float = Field(1.0, gt=0, le=4)
    depth: float = Field(1.0, gt=0, le=4)
    steps: int | None = Field(None, ge=1)
    epochs: float | None = Field(None, gt=0)
    batch_size: int = Field(32, ge=1)
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    warmup: int = Field(0, ge=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    drop_path: float = Field(0.0, ge=0, lt=1)
    clip_grad: float = Field(1.0, gt=0)
    flip: bool = True
    padding: int = Field(4, ge=0)
    erase: float = Field(0.0, ge=0, le=1)
    mixup: float = Field(0.0, ge=0)
    max_train: int | None = Field(None, ge=1)
    max_val: int | None = Field(None, ge=1)
    precision: Literal["auto", "bf16", "float32"] = "auto"
    channels_last: bool = False
    compile: bool = False
    ema: float = Field(0.0, ge=0, lt=1)

    @field_validator("stem_stride", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(f"either steps or epochs, but got steps={self.steps}, epochs={self.epochs}")
        if self.mixup and self.batch_size % 2:
            raise ValueError(f"mixup needs an even batch_size, but got {self.batch_size}")
        return self._with_warmup()

    def _with_warmup(self) -> Self:
        if self.steps is not None and self.warmup >= self.steps:
            raise ValueError(
                f"warmup is below steps, but got warmup={self.warmup}, steps={self.steps}; "
                f"with so few steps name both, as in steps={self.steps},warmup={self.steps // 5}"
            )
        return self

    def load(self, seed: int = 0) -> Dataset:
        """Load the recipe's data."""
        dataset = load_data(self.data, self.img_size, seed, self.max_train, self.max_val)
        return dataset if self.fraction == 1 else part_of(dataset, self.fraction, seed)

    def on(self, dataset: Dataset) -> Self:
        """Return the recipe with its epochs on a set, if it counts in those, as steps.

        Raises:
            InputError: warm-up takes all of them.
        """
        if self.epochs is None:
            return self
        steps = max(1, math.ceil(self.epochs * len(dataset.train_labels) / self.batch_size))
        try:
            return self.model_copy(update={"steps": steps})._with_warmup()
        except ValueError as error:
            raise InputError(f"training proxy, {self.epochs:g} epochs: {error}") from None


#: tiny and small are made for two CPU cores: 84 s and 268 s a design in the median of reports/fidelity/trained.csv,
#: on shared ones. medium and full are for GPUs.
PRESETS = {
    "check": TrainingProxy(data="fractal:5", steps=40, batch_size=16, lr=5e-4, warmup=8, max_train=1000, max_val=200),
    "tiny": TrainingProxy(steps=80, batch_size=16, lr=5e-4, warmup=16, max_train=4000, max_val=500),
    "small": TrainingProxy(steps=600, batch_size=32, lr=5e-4, warmup=60, max_val=1000),
    "medium": TrainingProxy(
        img_size=112,
        steps=5000,
        batch_size=128,
        warmup=500,
        label_smoothing=0.1,
        drop_path=0.05,
        erase=0.25,
        mixup=0.2,
        padding=8,
        channels_last=True,
    ),
    "full": TrainingProxy(
        img_size=224,
        steps=30_000,
        batch_size=256,
        warmup=1500,
        label_smoothing=0.1,
        drop_path=0.1,
        erase=0.25,
        mixup=0.8,
        padding=16,
        channels_last=True,
        compile=True,
    ),
}


def parse_proxy(text: str = "tiny", **changes: object) -> TrainingProxy:
    """Return a preset with some fields changed.

    Args:
        text: ``small``, ``small,steps=300,width=0.5``, or fields alone, which change tiny.
        changes: More fields. ``epochs`` takes the place of the preset's steps.

    Raises:
        InputError: the preset or a field is unknown, or a value breaks a rule.
    """
    preset, fields = split_fields(text)
    if preset not in PRESETS:
        raise InputError(f"a training preset is one of {', '.join(PRESETS)}, but got {shown(preset)}")
    given = {**fields, **changes}
    values = PRESETS[preset].model_dump() | given
    if "epochs" in given and "steps" not in given:
        values["steps"] = None
    return validated(TrainingProxy, values, "training proxy")


def split_fields(text: str) -> tuple[str, dict[str, str | None]]:
    """Return the preset, and the fields that follow it as text; ``none`` is None.

    Raises:
        InputError: what follows is no ``field=value``, or a field stands twice.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    preset = parts.pop(0) if parts and "=" not in parts[0] else "tiny"
    fields: dict[str, str | None] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or name in fields:
            raise InputError(
                f"a preset is changed by field=value, each once, as in small,steps=300, but got {shown(part)}"
            )
        fields[name] = None if value == "none" else value
    return preset, fields


def with_field(text: str, name: str, value: object) -> str:
    """Return a preset's text with a field that replaces the one that it may have; one that stands twice is refused."""
    kept = [part for part in text.split(",") if part.partition("=")[0].strip() != name]
    return ",".join([*kept, f"{name}={value}"])


def canonical_name(name: str, data: str = "") -> str:
    """Return the name under which a training proxy's scores are kept: ``train:small,steps=300,data=cifar10``.

    Fields stand in the recipe's order, and only where they differ from the preset. Of a folder of images stands its
    name with a digest of where it is; where CIFAR lies says nothing of what it is.

    Args:
        name: ``train:small,steps=300``.
        data: The set, where the name has none.

    Raises:
        InputError: the name is no training proxy's, or both name data.
    """
    argument = name.partition(":")[2]
    preset, fields = split_fields(argument)
    if data and "data" in fields:
        raise InputError(f"the data are named once, and here they are {data!r}, but got {shown(name)}")
    recipe, usual = parse_proxy(argument, **({"data": data} if data else {})), PRESETS[preset]
    values = {key: value for key, value in recipe.model_dump().items() if value != getattr(usual, key)}
    if "epochs" in values:
        values.pop("steps")
    values |= {"data": _canonical_data(recipe.data)} if "data" in values else {}
    return ",".join([f"train:{preset}", *(f"{key}={value}" for key, value in values.items())])


def _canonical_data(data: str) -> str:
    """Return what data are, without commas, which part fields."""
    source, _, argument = data.partition(":")
    if source in ("cifar10", "cifar100"):
        return source
    if source == "imagefolder" and not _DIGESTED.fullmatch(argument):
        path = Path(argument).expanduser().resolve()
        data = f"{source}:{path.name}@{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    return data.replace(",", ";")


def split_data(name: str) -> tuple[str, str | None]:
    """Return the name of a training proxy without its data, and the data; None where it holds none.

    Raises:
        InputError: the name is of no form.
    """
    preset, fields = split_fields(name.partition(":")[2])
    data = fields.pop("data", None)
    rest = [f"{key}={'none' if value is None else value}" for key, value in fields.items()]
    return f"train:{','.join([preset, *rest])}", data
