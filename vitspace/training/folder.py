"""The folder of a training: its state, weights and log, each file written whole."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import save
from torch import Tensor

from vitspace.errors import FailureError, InputError, shown
from vitspace.files import parse_json, validated, write_atomic, write_csv, write_json, write_with
from vitspace.folders import writing

STATE, RESULT, SETTINGS = "state.pt", "train.json", "settings.json"
_SHOWN, _LONGEST = 3, 300
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _State(BaseModel):
    """What is read of a state before its network is built."""

    model_config = ConfigDict(extra="allow")

    settings: str
    mean: Annotated[list[_Finite], Field(min_length=3, max_length=3)] = [0.0] * 3
    std: Annotated[list[Annotated[_Finite, Field(gt=0)]], Field(min_length=3, max_length=3)] = [1.0] * 3


class Folder:
    """Where a training is kept.

    Args:
        path: The folder.
        settings: What decides the training; a resumed one has the same.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path, self.settings = path, settings

    def open(self, resume: bool) -> dict[str, Any] | None:
        """Return the state to go on from, or make the folder; one without a state is made anew.

        Raises:
            InputError: there is a training already, or none to go on with, or one of other settings.
        """
        file = self.path / STATE
        if not resume:
            if file.exists():
                raise InputError(
                    f"a training makes a new folder, but {str(self.path)!r} has one; --resume goes on with the same "
                    "settings, --out names another folder"
                )
            self._make()
            return None
        if not file.is_file():
            began = (self.path / SETTINGS).is_file()
            unsaved = ": it stopped before its first checkpoint; without --resume it begins again" if began else ""
            raise InputError(f"--resume goes on with a training, but {str(self.path)!r} has none{unsaved}")
        try:
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            validated(_State, state)
            stored = dict(parse_json(state["settings"], finite=False))
        except Exception as error:  # a damaged file makes the reader raise almost anything
            why = str(error).partition("\n")[0][:_LONGEST]
            raise InputError(f"{file} is no state of a training: {why}") from None
        known = {name: value for name, value in self.settings.items() if name in stored}  # older states say less
        if differing := list(_differing(stored, known)):
            more = f"; and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
            raise InputError(f"a resumed training keeps its {'; its '.join(differing[:_SHOWN])}{more}")
        return state

    def save_state(self, state: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        """Write what going on takes."""
        whole = state | {"settings": json.dumps(self.settings), "rows": json.dumps(rows)}

        def write(path: Path) -> None:
            with path.open("wb") as file:
                torch.save(whole, file)

        with self._keeping():
            write_with(self.path / STATE, write)

    def save_weights(self, name: str, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Write weights with what is known of them."""
        plain = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        data = save(plain, {"format": "pt", "vitspace": json.dumps(facts)})
        with self._keeping():
            write_atomic(self.path / f"{name}.safetensors", data)

    def save_log(self, rows: list[dict[str, Any]], result: dict[str, Any]) -> None:
        """Write a line an epoch, and the result so far."""
        with self._keeping():
            write_csv(self.path / "log.csv", list(rows[0]), rows)
            write_json(self.path / RESULT, result)

    def _make(self) -> None:
        with writing(self.path, "a training"):
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.path / SETTINGS, self.settings)

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """Say that the training so far is kept, where it cannot be written within."""
        try:
            yield
        except (OSError, RuntimeError) as error:  # torch's writer raises the latter where the disk is full
            raise FailureError(
                f"{str(self.path)!r} cannot be written: {error}; what was written before is whole, and --resume goes "
                "on from there"
            ) from error


def _differing(stored: Any, now: Any, name: str = "") -> Iterator[str]:
    """Say each setting of ``now`` that is stored otherwise, of nested ones the innermost."""
    if isinstance(stored, list) and isinstance(now, list):
        stored, now = ({str(at): value for at, value in enumerate(values)} for values in (stored, now))
        yield from _differing(stored, dict.fromkeys(stored) | now, name)
    elif isinstance(stored, dict) and isinstance(now, dict):
        for key, value in now.items():
            yield from _differing(stored.get(key), value, f"{name} {key}".strip())
    elif stored != now:
        yield f"{name}, {shown(stored)}, but got {shown(now)}"
