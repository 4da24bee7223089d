"""Predicted: the latency on another device, which is predicted and never timed here."""

from typing import Any

from vitspace.budget import Budget
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize, format_image_size
from vitspace.latency.devices import BACKEND, Device, device
from vitspace.spec import Spec


def budget_device(budget: Budget, img_size: ImageSize) -> Device | None:
    """Return the device that a budget names; None where its milliseconds are this machine's.

    Raises:
        InputError: there is no such device, or it was timed for images of another size.
    """
    if not budget.device:
        return None
    found = device(budget.device)
    if found.img_size != img_size:
        raise InputError(
            f"latency is predicted at the image size that a device was timed at, {found.img_size} pixels of "
            f"{found.name}, but the study is for {format_image_size(img_size)}"
        )
    return found


def predicted_latency(found: Device, spec: Spec, budget: Budget) -> dict[str, Any]:
    """Return the latency of a design on a device as a trial keeps it, with its 95 % interval."""
    prediction = found.predict(spec)
    low, high = prediction.ms / (1 + prediction.error), prediction.ms * (1 + prediction.error)
    held = [limit for limit in budget.latency_ms if low <= limit <= high]
    between = f"it is between {low:.1f} and {high:.1f} ms on {found.name} by prediction"
    doubt = f"{between}, and the budget's limit is {held[0]:g} ms" if held else ""
    interval = {"median_ms": prediction.ms, "low_ms": low, "high_ms": high}
    return interval | {"device": found.name, "backend": BACKEND, "threads": 1, "batch": 1, "doubt": doubt}
