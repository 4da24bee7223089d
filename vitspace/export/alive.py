"""Whether a network sees what it is shown: its scores are numbers, and differ from image to image."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.network import Network

#: A score that differs by a smaller share of its size is the same, within what float32 rounds.
_SAME = 1e-6
_SHOWN = 6


def check_alive(network: nn.Module, images: Tensor, whose: str) -> None:
    """Check that the scores of images [B, 3, S, S] are numbers that depend on the image.

    Raises:
        InputError: they are not; the first layer that is at fault is named.
    """
    outputs: dict[str, Tensor] = {}
    with torch.inference_mode(), _noting(network, outputs):
        scores = network(images[:_SHOWN])
    if not scores.isfinite().all():
        at = next((name for name, output in outputs.items() if not output.isfinite().all()), "the head")
        raise InputError(f"scores are finite numbers, but those of {whose} are not, from {at} on; nothing is exported")
    if len(scores) > 1 and _constant(scores) and not _constant(images[:_SHOWN]):
        at = next((name for name, output in outputs.items() if _constant(output)), "the head")
        raise InputError(
            f"scores differ from image to image, but those of {whose} are the same for all, from {at} on: the network "
            "is dead; nothing is exported"
        )
    if scores.shape[1] > 1 and _constant(scores.transpose(0, 1)):
        equal = isinstance(network, Network) and _constant(network.head.fc.weight)
        why = ": head.fc.weight has equal rows" if equal else ""
        raise InputError(
            f"scores differ from class to class, but those of {whose} are the same for all{why}; nothing is exported"
        )


@contextmanager
def _noting(network: nn.Module, outputs: dict[str, Tensor]) -> Iterator[None]:
    """Keep what the layers with weights put out of each image, in the order in which they run."""

    def noting(name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim and len(output) == len(inputs[0]) and len(output) > 1:
                outputs.setdefault(f"{name}.weight", output.detach())

        return note

    layers = [(name, part) for name, part in network.named_modules() if hasattr(part, "weight")]
    handles = [part.register_forward_hook(noting(name)) for name, part in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _constant(values: Tensor) -> bool:
    """Whether all rows are the same."""
    spread = (values.amax(0) - values.amin(0)).amax()
    return bool(spread <= _SAME * values.abs().amax())
