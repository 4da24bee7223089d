"""The recipes by which the families' papers train their networks, one YAML each, every setting with its source."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from vitspace.anchors import Anchor, all_anchors
from vitspace.errors import InputError
from vitspace.files import read_yaml
from vitspace.spec import Spec

DEFAULT, PAPER, SMALL = "default", "paper", "small"
#: Sources of settings that the paper leaves open begin so.
CHOICE = "our choice"
#: Learning rates below which the linear rule, which is for large batches, does not lead; our choice.
LEAST_RATES = {"adamw": 1e-4, "sgd": 1e-2, "rmsproptf": 1e-3}


class Recipe(BaseModel):
    """How to train.

    Attributes:
        about: Whose it is, and what of it is left out.
        epochs: Passes over the training images, warm-up included.
        batch_size: Images an update, over all processes.
        img_size: Side of the image in pixels.
        optimizer: timm's name: adamw, sgd, rmsproptf.
        lr: Learning rate after warm-up, for that batch size.
        momentum: Of sgd and rmsproptf; of adamw its first beta.
        weight_decay: On matrices only.
        schedule: cosine; poly, of the power decay_rate; or step: times decay_rate every decay_epochs.
        min_lr: Where a cosine or a polynomial ends.
        warmup_epochs: Epochs of linear warm-up, from warmup_lr.
        clip_grad: Largest norm of the gradient; None clips nothing.
        label_smoothing: In the training loss.
        mixup: Its alpha; 0 mixes nothing.
        cutmix: Its alpha; 0 cuts nothing.
        auto_augment: timm's policy: rand-m9-mstd0.5-inc1, original (AutoAugment); None for none.
        color_jitter: Where there is no policy; with one, timm leaves it out.
        erase: Share of the images that lose a rectangle.
        drop_path: Stochastic depth of the last block.
        dropout: Before the classifier.
        ema: Decay of the weights' moving average, which is then what is validated; None keeps none.
        sync_bn: Batch normalisation over all GPUs.
        crop_pct: Share of the resized image that validation crops from its middle; segmentation takes all of it.
        interpolation: Of resizing.
        sources: Where each setting is printed, or that it is our choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str = ""
    epochs: int = Field(300, ge=1)
    batch_size: int = Field(1024, ge=1)
    img_size: int = Field(224, ge=32)
    optimizer: Literal["adamw", "sgd", "rmsproptf"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(0.05, ge=0)
    schedule: Literal["cosine", "poly", "step"] = "cosine"
    decay_epochs: float = Field(30, gt=0)
    decay_rate: float = Field(0.1, gt=0, lt=1)
    min_lr: float = Field(1e-5, ge=0)
    warmup_epochs: float = Field(5, ge=0)
    warmup_lr: float = Field(1e-6, ge=0)
    clip_grad: float | None = Field(None, gt=0)
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    mixup: float = Field(0.8, ge=0)
    cutmix: float = Field(1.0, ge=0)
    auto_augment: str | None = "rand-m9-mstd0.5-inc1"
    color_jitter: float = Field(0.4, ge=0)
    erase: float = Field(0.25, ge=0, le=1)
    drop_path: float = Field(0.1, ge=0, lt=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    ema: float | None = Field(None, gt=0, lt=1)
    sync_bn: bool = False
    crop_pct: float = Field(0.875, gt=0, le=1)
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    sources: dict[str, str] = Field(default_factory=dict)

    @property
    def mixes(self) -> bool:
        """Whether images are mixed, which takes even batches."""
        return self.mixup > 0 or self.cutmix > 0

    def shortened(self, epochs: int) -> "Recipe":
        """Return the recipe over another number of epochs: warm-up and decay keep their shares of it."""
        ratio = epochs / self.epochs
        changes = {"warmup_epochs": self.warmup_epochs * ratio, "decay_epochs": self.decay_epochs * ratio}
        return self.model_copy(update={"epochs": epochs, **changes})

    def rebatched(self, batch_size: int) -> "Recipe":
        """Return the recipe for another batch size: learning rates follow it linearly, down to `LEAST_RATES`."""
        ratio = batch_size / self.batch_size
        least = min(self.lr, LEAST_RATES[self.optimizer])
        ratio = max(ratio, least / self.lr) if ratio < 1 else ratio
        rates = {name: getattr(self, name) * ratio for name in ("lr", "min_lr", "warmup_lr")}
        return self.model_copy(update={"batch_size": batch_size, **rates})


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package: those of families first."""
    folder = files("vitspace.training") / "recipes"
    return sorted(path.name.removesuffix(".yaml") for path in folder.iterdir() if path.name.endswith(".yaml"))


def load_recipe(text: str, family: str) -> tuple[str, Recipe]:
    """Return name and recipe: ``paper`` is the family's own, or ``default`` where it has none.

    Raises:
        InputError: there is no such recipe or file, or the file breaks a rule.
    """
    if text.endswith((".yaml", ".yml")):
        return Path(text).stem, read_yaml(Path(text), Recipe)
    names = recipe_names()
    name = (family if family in names else DEFAULT) if text == PAPER else text
    if name not in names:
        raise InputError(f"a recipe is {PAPER}, one of {', '.join(names)}, or a path to a .yaml file, but got {text!r}")
    return name, read_yaml(Path(str(files("vitspace.training") / "recipes" / f"{name}.yaml")), Recipe)


def paper_recipe(spec: Spec) -> tuple[str, str]:
    """Return the name of the recipe by which a design's paper trained it, and why it is not its family's, if so.

    A design that a published row has is that row, wherever it comes from.
    """
    row = _otherwise_trained().get(spec.id)
    if row is None:
        return PAPER, ""
    usual, _ = load_recipe(PAPER, spec.family)
    return row.recipe, f"the published accuracy of {row.id} ({row.source}) is of this one and not of {usual}"


@cache
def _otherwise_trained() -> dict[str, Anchor]:
    """Return the published rows of another recipe than their family's, by their spec's id."""
    return {row.spec.id: row for row in all_anchors().values() if row.recipe and row.spec}
