"""A safetensors file with its metadata, checked against a network."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.files import explain, parse_json
from vitspace.spec import Spec
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.words import plural

#: Names of classifiers: of images, and of pixels by the heads of segmentation; the first of a head tells its classes.
CLASSIFIERS = ("head.fc", "head.branch.classify", "head.fusion.classify", "head.auxiliary.2")
#: How the parameters of a dense task's backbone begin.
_BACKBONE = "backbone."
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
_Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class _Facts(BaseModel):
    """What is read of the metadata; the rest is handed on as it is."""

    model_config = ConfigDict(extra="allow", strict=True)

    spec_id: str = ""
    data: str = ""
    command: str = ""
    init: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    classes: list[str] = []
    img_size: Annotated[int, Field(ge=1, le=1 << 14)] = 0
    mean: Annotated[list[_Number], Field(min_length=3, max_length=3)] = []
    std: Annotated[list[_Positive], Field(min_length=3, max_length=3)] = []
    crop_pct: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming", "random"] = "bicubic"
    task: str = CLASSIFICATION
    top1: _Percent = 0.0
    miou: _Percent = 0.0
    epoch: Annotated[int, Field(ge=0, le=10**9)] = 0
    epochs: Annotated[int, Field(ge=0, le=10**9)] = 0
    val_images: Annotated[int, Field(ge=0, le=10**12)] = 0
    #: Whether they are a design's part of ``init``, weights that designs share, and were not trained on their own.
    shared: bool = False

    @model_validator(mode="after")
    def _told(self) -> Self:
        told = self.model_fields_set
        for measure in told & {"top1", "miou"}:
            if missing := sorted({"data", "epoch", "epochs", "img_size", "val_images"} - told):
                raise ValueError(f"{measure} is told without {', '.join(missing)}")
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
    def task(self) -> str:
        """The task that they were trained for."""
        return str(self.facts.get("task", CLASSIFICATION))

    @property
    def num_classes(self) -> int:
        """Number of classes of the classifier."""
        return len(self.tensors[_classifier(self.tensors)])

    @property
    def backbone(self) -> "Weights":
        """Those of the stem and stages, by the names that they have in a network of classification."""
        if self.task == CLASSIFICATION:
            kept = {name: tensor for name, tensor in self.tensors.items() if not name.startswith("head.")}
        else:
            begun = {name: tensor for name, tensor in self.tensors.items() if name.startswith(_BACKBONE)}
            kept = {name.removeprefix(_BACKBONE): tensor for name, tensor in begun.items()}
        return replace(self, tensors=kept)


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
    if not (name := _classifier(tensors)):
        raise InputError(f"weights include the classifier, but {str(path)!r} has no {CLASSIFIERS[0]}.weight")
    shape = list(tensors[name].shape)
    if len(shape) != 2 and shape[2:] != [1, 1]:
        raise InputError(f"{name} is a matrix, but in {str(path)!r} it is {shape}")
    found = Weights(path, tensors, _facts(path, metadata.get("vitspace", "{}")))
    if (named := len(found.facts.get("classes", []))) not in (0, found.num_classes):
        raise InputError(
            f"metadata name each class of the classifier, {found.num_classes}, but those of {str(path)!r} name {named}"
        )
    return found


def _classifier(tensors: dict[str, Tensor]) -> str:
    """Return the name of the classifier's matrix, or an empty string."""
    return next((f"{name}.weight" for name in CLASSIFIERS if f"{name}.weight" in tensors), "")


def _facts(path: Path, text: str) -> dict[str, Any]:
    try:
        return _Facts.model_validate(parse_json(text)).model_dump(exclude_unset=True)
    except ValidationError as error:
        why = explain(_Facts, error.errors()[0])
    except ValueError as error:
        why = f"they are not JSON: {error}"
    raise InputError(f"the metadata of weights are what vitspace train notes, but in {str(path)!r} {why}")


def put(weights: Weights, network: nn.Module, spec: Spec, but: tuple[str, ...] = ()) -> None:
    """Put weights into a network of a spec; 16 and 64 bits become 32.

    Args:
        weights: The file's content.
        network: As initialised.
        spec: Its architecture.
        but: Names that stay as they are.

    Raises:
        InputError: names, shapes or kinds of the weights are not the network's, or a tensor is dead: it has values that
            are no numbers, or only zeros where a network as initialised has others.
    """
    own = network.state_dict()
    given = {name: tensor for name, tensor in weights.tensors.items() if name not in but}
    if differing := _difference({name: each for name, each in own.items() if name not in but}, given):
        made_for = weights.facts.get("spec_id")
        hint = f"; they are of spec {made_for}, this is {spec.id}" if made_for and made_for != spec.id else ""
        raise InputError(f"weights have the spec's names and shapes, but in {weights.path} {differing}{hint}")
    given = {name: _checked(name, given[name], each, weights.path) for name, each in own.items() if name in given}
    network.load_state_dict(given, strict=not but)


def begin_with(network: nn.Module, weights: Weights, spec: Spec, task: str, num_classes: int) -> str:
    """Put weights into a network that is to be trained further; return what of it stays new, in words.

    It is the classifier where the weights are of another number of classes. A dense task takes the backbone alone from
    weights of another task, and its head stays new.

    Raises:
        InputError: the weights are of another network, or dead; see `put`; or classification is to begin with those
            of a dense task.
    """
    if weights.task != task:
        if task == CLASSIFICATION:
            raise InputError(
                f"classification begins with its own weights, but {weights.path} has those of {weights.task}"
            )
        put(weights.backbone, network.get_submodule(_BACKBONE.rstrip(".")), spec)
        return f"a new head of {task}"
    new = weights.num_classes != num_classes
    names = tuple(f"{name}.{kind}" for name in CLASSIFIERS for kind in ("weight", "bias"))
    put(weights, network, spec, names if new else ())
    return f"a new head of {plural(num_classes, 'class')}" if new else ""


def _checked(name: str, tensor: Tensor, own: Tensor, path: Path) -> Tensor:
    """Return a tensor in the network's kind of numbers, if it is alive."""
    kinds = _FLOATS if own.dtype in _FLOATS else (own.dtype,)
    if tensor.dtype not in kinds:
        known = " or ".join(str(kind).removeprefix("torch.") for kind in kinds)
        kind = str(tensor.dtype).removeprefix("torch.")
        raise InputError(f"{name} is {known}, but in {path} it is {kind}; weights of another kind are not read")
    as_own = tensor.to(own.dtype)
    if wrong := int((~as_own.isfinite()).sum()):
        raise InputError(f"weights are finite numbers, but {wrong} of {as_own.numel()} in {name} of {path} are not")
    if name.endswith("running_var") and (as_own < 0).any():
        raise InputError(f"variances are at least 0, but {name} of {path} has {float(as_own.min()):g}")
    if own.any() and not as_own.any():
        raise InputError(f"weights are not all 0, but {name} of {path} is, so that the network would be dead")
    return as_own


def _difference(own: dict[str, Tensor], given: dict[str, Tensor]) -> str:
    """Return the first difference in words, or an empty string."""
    for name, tensor in own.items():
        if name not in given:
            return f"{name} is missing"
        if given[name].shape != tensor.shape:
            return f"{name} is {list(given[name].shape)} where the spec has {list(tensor.shape)}"
    extra = given.keys() - own.keys()
    return f"{min(extra)} is not in the spec's network" if extra else ""
