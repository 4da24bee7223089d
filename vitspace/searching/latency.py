"""The latency of a study's designs: how it is timed, or predicted for another device, and what it makes of a design."""

from typing import Any

from vitspace.budget import ANY, Budget
from vitspace.image_sizes import ImageSize
from vitspace.latency import LatencySettings
from vitspace.latency.devices import BACKEND, Device, device_at
from vitspace.precision import parse_precision
from vitspace.spec import NATIVE_SIZE, Spec
from vitspace.study.config import StudyConfig
from vitspace.study.trial import State, Trial
from vitspace.tasks.dense import DenseTask


def timing_of(config: StudyConfig, img_size: ImageSize = NATIVE_SIZE) -> LatencySettings:
    """Return the settings of a study's timings, for images of a size; of a dense task, of whole networks at its size.

    Raises:
        InputError: the back end does not run networks of the task.
    """
    return LatencySettings(
        config.latency_backend,
        threads=config.latency_threads,
        batch=config.latency_batch,
        img_size=img_size,
        precision=parse_precision(config.latency_precision),
        task=DenseTask.of(config.task, *config.sizes[:1]),
    )


def budget_device(budget: Budget, img_size: ImageSize) -> Device | None:
    """Return the device that a budget names; None where its milliseconds are this machine's.

    Raises:
        InputError: there is no such device, or it was timed for images of another size.
    """
    return device_at(budget.device, img_size) if budget.device else None


def predicted_latency(found: Device, spec: Spec, budget: Budget) -> dict[str, Any]:
    """Return the latency of a design on a device as a trial keeps it, with its 95 % interval."""
    prediction = found.predict(spec)
    low, high = prediction.ms / (1 + prediction.error), prediction.ms * (1 + prediction.error)
    held = [limit for limit in budget.latency_ms if low <= limit <= high]
    between = f"it is between {low:.1f} and {high:.1f} ms on {found.name} by prediction"
    doubt = f"{between}, and the budget's limit is {held[0]:g} ms" if held else ""
    interval = {"median_ms": prediction.ms, "low_ms": low, "high_ms": high}
    return interval | {"device": found.name, "backend": BACKEND, "threads": 1, "batch": 1, "doubt": doubt}


def verdict(latency: dict[str, Any], budget: Budget) -> tuple[State, str]:
    """Return what a latency makes of a design, and why: over_budget, undecided, or complete where it fits.

    A design is over the budget only if the whole interval of its latency is: nothing is rejected on an unsure number.
    On another device, where no timing decides, one that is predicted within the budget fits.

    Args:
        latency: Fields of `vitspace.latency.Latency`, or what `predicted_latency` returns.
        budget: The study's.
    """
    (least, most), (low, high) = budget.latency_ms, (latency["low_ms"], latency["high_ms"])
    if low > most or high < least:
        # The middle of the interval is beyond the limit too.
        return "over_budget", budget.violation(latency_ms=latency["median_ms"])
    held = [limit for limit in budget.latency_ms if low <= limit <= high]
    if held and not (budget.device and least <= latency["median_ms"] <= most):
        where = f" on {budget.device} by prediction" if budget.device else ""
        between = f"it takes between {low:.1f} and {high:.1f} ms{where}"
        return "undecided", f"{between}, and the budget's limit is {held[0]:g} ms"
    return "complete", ""


def rejected_by_prediction(trial: Trial, budget: Budget) -> bool:
    """Whether a design was rejected by its predicted latency alone: it was not timed, and its other costs fit."""
    fits = trial.spec is not None and not budget.violation(macs=trial.macs, params=trial.params)
    return fits and trial.state == "over_budget" and trial.latency_ms is None


def rejected_unsure(trial: Trial, budget: Budget) -> bool:
    """Whether a design without a score was rejected by a latency that does not rule it out, or fits since then."""
    if trial.spec is None or trial.score is not None or trial.latency_ms is None or budget.latency_ms == ANY:
        return False
    if trial.state == "undecided":
        return True
    # Studies made before latencies had intervals have the words alone.
    known = "low_ms" in trial.latency
    sure = verdict(trial.latency, budget)[0] == "over_budget" if known else not trial.latency_doubt
    return trial.state == "over_budget" and not sure
