"""The folder of shared weights: one safetensors file of the weights, and while they are trained one to go on from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vitspace.errors import FailureError, InputError
from vitspace.files import parse_json, validated, write_with
from vitspace.sharing.store import Store
from vitspace.sources import PACKAGE, followed, sources_of
from vitspace.spec import part_type

WEIGHTS, STATE = "shared.safetensors", "state.safetensors"
_FACTS = "vitspace"
#: Our modules that decide how tensors are cut, and what a design computes with them; those of its own beside them.
_SHARING = ("vitspace.network", "vitspace.sharing.cuts", "vitspace.sharing.roles", "vitspace.sharing.store")
_DECIDING = (*_SHARING, "vitspace.families.", "vitspace.layers.")


class _Common(BaseModel):
    """What is read of a file's metadata, whatever they are read for; the rest is handed on as it is."""

    model_config = ConfigDict(extra="allow", strict=True)

    space: str
    budget: str
    classes: list[str]
    seed: Annotated[int, Field(ge=0)]
    sources: dict[str, str]
    done: Annotated[int, Field(ge=0)]
    steps: Annotated[int, Field(ge=0)]
    undecayed: list[str]
    drawn: list[str]
    space_file: str = ""
    images: str = ""
    images_at: str = ""
    seconds: Annotated[float, Field(ge=0)] = 0.0
    command: str = ""


class _Facts(_Common):
    """What is read of weights that are used."""

    recipe: dict[str, Any]


class _End(BaseModel):
    """How a design at an end of the space does."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)

    spec_id: str
    val_loss: float
    accuracy: float


class _Recipe(BaseModel):
    """What is shown of a recipe."""

    model_config = ConfigDict(extra="allow", strict=True)

    data: str
    img_size: int
    batch_size: int


class _Trained(_Common):
    """What is shown of weights that are trained to their end."""

    space_typed: str
    recipe: _Recipe
    train_images: Annotated[int, Field(ge=0)]
    params: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    ends: dict[str, _End]


@dataclass(frozen=True, eq=False)
class File:
    """The content of one of the folder's files.

    Attributes:
        path: The file.
        tensors: By name.
        facts: What is known of them: see `describe`, and what the training tells beside it.
    """

    path: Path
    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    @property
    def store(self) -> Store:
        """The store of the file's weights, which are those named ``weight/ROLE``.

        Raises:
            InputError: they are of no kind that is trained, or not finite.
        """
        weights = {name.partition("/")[2]: each for name, each in self.tensors.items() if name.startswith("weight/")}
        for role, each in weights.items():
            if not each.is_floating_point() or not each.isfinite().all():
                raise InputError(f"shared weights are finite numbers, but {role} of {self.path} holds others")
        shapes = {role: tuple(each.shape) for role, each in weights.items()}
        store = Store(shapes, self.facts["drawn"], self.facts["undecayed"])
        store.load_state_dict(weights)
        return store


def sources(families: list[str]) -> dict[str, str]:
    """Return for each family a digest of the code that decides what its shared tensors mean.

    How files are read and errors are worded decides nothing, so that weights outlive such changes.
    """
    return {family: _deciding(part_type("stage", family).__module__) for family in families}


def _deciding(module: str) -> str:
    ours = module.partition(".")[0] == PACKAGE.name
    code = followed([module, *_SHARING] if ours else _SHARING)
    digests = [source.digest for name, source in code.items() if name.startswith(_DECIDING)]
    digests += [] if ours else [sources_of(module)]
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:12]


def read(folder: Path, name: str = WEIGHTS) -> File:
    """Read shared weights.

    Raises:
        InputError: there are none, they are damaged or not trained to their end, or a family's code has changed since.
    """
    path = folder / name
    if not path.is_file():
        unfinished = (folder / STATE).is_file()
        raise InputError(
            f"shared weights are a folder that vitspace supernet train fills, but {str(folder)!r} "
            + ("has a training that is not finished; --resume goes on with it" if unfinished else "holds none")
        )
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {each: file.get_tensor(each) for each in file.keys()}  # noqa: SIM118 (it is no mapping)
            noted = parse_json((file.metadata() or {}).get(_FACTS, "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is no file of shared weights: {error}") from None
    facts = validated(_Facts, noted, f"{path} is no file of shared weights").model_dump(exclude_unset=True)
    now = sources(sorted(facts["sources"]))
    if changed := [family for family, digest in facts["sources"].items() if now[family] != digest]:
        raise InputError(
            f"shared weights are used with the code that they were trained with, but those in {str(folder)!r} are of "
            f"another version of {', '.join(changed)}; train them anew"
        )
    return File(path, tensors, facts)


def told(folder: Path) -> dict[str, Any]:
    """Return what is known of shared weights, to be shown.

    Raises:
        InputError: as `read`, or something of it is missing.
    """
    file = read(folder)
    validated(_Trained, file.facts, f"{file.path} is no file of shared weights")
    return file.facts


def write(folder: Path, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write one of the folder's files, whole.

    Raises:
        FailureError: it cannot be written, as where the disk is full.
    """
    plain = {key: each.detach().cpu().contiguous() for key, each in tensors.items()}
    try:
        write_with(folder / name, lambda path: save_file(plain, path, {"format": "pt", _FACTS: json.dumps(facts)}))
    except (OSError, SafetensorError) as error:
        raise FailureError(
            f"{str(folder / name)!r} cannot be written: {error}; what was written before is whole"
        ) from None


def digest(folder: Path) -> str:
    """Return what tells the weights in a folder from all others.

    Raises:
        InputError: there are none.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        read(folder)  # which says what is wrong
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
