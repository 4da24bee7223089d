"""A safetensors file with its metadata, checked against a spec."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vitspace.errors import InputError
from vitspace.files import explain, parse_json
from vitspace.image_sizes import ImageSize
from vitspace.network import Network, build
from vitspace.spec import Spec

CLASSIFIER = "head.fc.weight"
_Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class _Facts(BaseModel):
    """What is read of the metadata; the rest is handed on as it is."""

    model_config = ConfigDict(extra="allow", strict=True)

    spec_id: str = ""
    data: str = ""
    command: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    classes: list[str] = []
    img_size: Annotated[int, Field(ge=1, le=1 << 14)] = 0
    mean: Annotated[list[_Number], Field(min_length=1, max_length=4)] = []
    std: Annotated[list[_Positive], Field(min_length=1, max_length=4)] = []
    crop_pct: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming", "random"] = "bicubic"
    top1: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.0
    epoch: Annotated[int, Field(ge=0, le=10**9)] = 0
    epochs: Annotated[int, Field(ge=0, le=10**9)] = 0
    val_images: Annotated[int, Field(ge=0, le=10**12)] = 0

    @model_validator(mode="after")
    def _told(self) -> Self:
        told = self.model_fields_set
        if missing := sorted({"data", "epoch", "epochs", "img_size", "val_images"} - told) if "top1" in told else []:
            raise ValueError(f"top1 is told without {', '.join(missing)}")
        return self


@dataclass(frozen=True, eq=False)
class Weights:
    """The content of a file of weights.

    Attributes:
        path: The file.
        tensors: Parameters and buffers by name.
        facts: Metadata by `vitspace train`: spec_id, classes, img_size, mean, std, data, top1, ...; empty if another
            program wrote the file.
    """

    path: Path
    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    @property
    def num_classes(self) -> int:
        """Number of classes of the classifier."""
        return len(self.tensors[CLASSIFIER])


def read_weights(path: Path) -> Weights:
    """Read a safetensors file.

    Raises:
        InputError: there is no such file, it is no safetensors file, has no classifier, or its metadata are damaged.
    """
    if not path.is_file():
        raise InputError(f"weights are a .safetensors file, but there is none at {str(path)!r}")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f"weights are a .safetensors file, but {str(path)!r} is none: {error}") from None
    if CLASSIFIER not in tensors:
        raise InputError(f"weights include the classifier, but {str(path)!r} has no {CLASSIFIER}")
    return Weights(path, tensors, _facts(path, metadata.get("vitspace", "{}")))


def _facts(path: Path, text: str) -> dict[str, Any]:
    try:
        return _Facts.model_validate(parse_json(text)).model_dump(exclude_unset=True)
    except ValidationError as error:
        why = explain(_Facts, error.errors()[0])
    except ValueError as error:
        why = f"they are not JSON: {error}"
    raise InputError(f"the metadata of weights are what vitspace train notes, but in {str(path)!r} {why}")


def build_with(spec: Spec, weights: Weights, img_size: ImageSize) -> Network:
    """Build a spec's network with the weights in it.

    Raises:
        InputError: names or shapes of the weights do not match the spec.
    """
    network = build(spec, weights.num_classes, img_size)
    own = network.state_dict()
    if differing := _difference(own, weights.tensors):
        made_for = weights.facts.get("spec_id")
        hint = f"; they are of spec {made_for}, this is {spec.id}" if made_for and made_for != spec.id else ""
        raise InputError(f"weights have the spec's names and shapes, but in {weights.path} {differing}{hint}")
    network.load_state_dict(weights.tensors)
    return network


def _difference(own: dict[str, Tensor], given: dict[str, Tensor]) -> str:
    """Return the first difference in words, or an empty string."""
    for name, tensor in own.items():
        if name not in given:
            return f"{name} is missing"
        if given[name].shape != tensor.shape:
            return f"{name} is {list(given[name].shape)} where the spec has {list(tensor.shape)}"
    extra = given.keys() - own.keys()
    return f"{min(extra)} is not in the spec's network" if extra else ""


def untrained(spec: Spec, num_classes: int, img_size: ImageSize, seed: int = 0) -> Network:
    """Build a spec's network with its own initialisation."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build(spec, num_classes, img_size)
