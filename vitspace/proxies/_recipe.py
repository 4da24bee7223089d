"""The recipe of a training proxy, and its presets."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vitspace.data import Dataset, load_data
from vitspace.errors import InputError


class TrainingProxy(BaseModel):
    """The recipe of a short training.

    Attributes:
        data: The set, as `vitspace.data.load_data` reads it.
        img_size: Side of the image in pixels.
        steps: Optimiser steps.
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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = "fractal"
    img_size: int = Field(64, ge=32)
    steps: int = Field(ge=1)
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

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.warmup >= self.steps:
            raise ValueError(f"warmup is below steps, but got warmup={self.warmup}, steps={self.steps}")
        if self.mixup and self.batch_size % 2:
            raise ValueError(f"mixup needs an even batch_size, but got {self.batch_size}")
        return self

    def load(self, seed: int = 0) -> Dataset:
        """Load the recipe's data."""
        return load_data(self.data, self.img_size, seed, self.max_train, self.max_val)


#: tiny is made for two CPU cores and half a minute a design.
PRESETS = {
    "tiny": TrainingProxy(steps=80, batch_size=16, lr=5e-4, warmup=16, max_train=4000, max_val=500),
    "small": TrainingProxy(steps=600, batch_size=32, lr=5e-4, warmup=60, max_val=1000),
}


def parse_proxy(preset: str = "tiny", **changes: object) -> TrainingProxy:
    """Return a preset with some fields changed.

    Raises:
        InputError: the preset or a field is unknown, or a value breaks a rule.
    """
    if preset not in PRESETS:
        raise InputError(f"a training preset is one of {', '.join(PRESETS)}, but got {preset!r}")
    try:
        return TrainingProxy.model_validate(PRESETS[preset].model_dump() | changes)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(key) for key in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(TrainingProxy.model_fields)
            raise InputError(f"unknown key {name!r} of the training proxy; known keys: {known}") from None
        raise InputError(f"training proxy: {name or 'recipe'}: {first['msg']}, but got {first['input']!r}") from None
