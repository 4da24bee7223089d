"""Whether a measured latency is within a budget, beyond it, or undecided."""

from typing import Any

from vitspace.budget import ANY, Budget
from vitspace.study.trial import State, Trial


def verdict(latency: dict[str, Any], budget: Budget) -> tuple[State, str]:
    """Return what a latency makes of a design, and why: over_budget, undecided, or complete where it fits.

    A design is over the budget only if the whole interval of its latency is: nothing is rejected on an unsure number.
    On another device, where no timing decides, one that is predicted within the budget fits.

    Args:
        latency: Fields of `vitspace.latency.Latency`, or of `vitspace.searching.predicted`.
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
