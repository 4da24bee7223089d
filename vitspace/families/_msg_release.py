"""Checkpoints of MSG-Transformer's public release: their names, and how they become ours."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.layers.windows import relative_position_index
from vitspace.words import some


def checkpoint_filter_fn(state_dict: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Rename the state dict of the public release to ours; one in our own naming passes unchanged.

    ``relative_position_index`` tells how the release ordered its bias table, which is reordered if it differs.

    Raises:
        InputError: a key is unknown or missing, or a shape differs.
    """
    state = dict(state_dict)
    if any(key.startswith(("patch_embed.", "layers.")) for key in state):
        state = _rename_release(state)
    expected = model.state_dict()
    unknown, missing = sorted(state.keys() - expected.keys()), sorted(expected.keys() - state.keys())
    if unknown or missing:
        raise InputError(
            "a checkpoint has exactly the model's parameters, but unknown are "
            f"{some(unknown)} and missing are {some(missing)}"
        )
    wrong = [key for key in expected if state[key].shape != expected[key].shape]
    if wrong:
        got, want = tuple(state[wrong[0]].shape), tuple(expected[wrong[0]].shape)
        raise InputError(f"a checkpoint has the model's shapes, but {wrong[0]} is {got}, not {want}")
    return state


def _rename_release(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        if key.endswith("relative_position_index"):
            continue
        if key.endswith("relative_position_bias_table"):
            value = _reordered_table(value, state.get(key.replace("_bias_table", "_index")))
        renamed[_release_name(key)] = value
    return renamed


def _release_name(key: str) -> str:
    """Our name for a release's tensor: its layer i ends with the downsampling that begins our stage i + 1."""
    if key == "msg_tokens":
        return "stages.0.msg_tokens"
    if key.startswith("patch_embed."):
        return key.replace("patch_embed.", "stem.", 1)
    if key.startswith("norm."):
        return f"head.{key}"
    if key.startswith("head."):
        return key.replace("head.", "head.fc.", 1)
    parts = key.split(".")
    if parts[0] == "layers" and len(parts) > 3 and parts[1].isdigit():
        stage = int(parts[1]) + (parts[2] == "downsample")
        return ".".join(["stages", str(stage), *parts[2:]])
    return key


def _reordered_table(table: Tensor, index: Tensor | None) -> Tensor:
    window = (math.isqrt(table.shape[0]) + 1) // 2
    ours = relative_position_index(window)
    if index is None or torch.equal(index.cpu().long(), ours):
        return table
    if index.shape != ours.shape:
        raise InputError(
            f"relative_position_index is {tuple(ours.shape)} for a table of {len(table)} rows, "
            f"but got {tuple(index.shape)}"
        )
    reordered = torch.empty_like(table)
    reordered[ours.flatten()] = table[index.flatten().long()]
    return reordered
