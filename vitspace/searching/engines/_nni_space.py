"""NNI's view of a study: the space as nested choices, a proposal as our params, a trial's result as one number."""

from collections.abc import Mapping
from typing import Any

from vitspace.space import Space, Variable
from vitspace.study.trial import Trial

#: -score, multiply-adds and milliseconds.
Point = tuple[float, float, float]
#: What a rejected or failed design is worth: less than any that completes.
WORST = -10.0
#: Share of the sum beside the largest objective, so that of two designs with the same largest the better one wins.
_SUM = 0.05


def search_space(space: Space) -> dict[str, Any]:
    """Return NNI's search space: choices of the values' indices, conditional variables nested in what they depend on.

    One that depends on two variables is nested in the last of them, and left out of account where the other one does
    not call for it.
    """
    free = [v for v in space.variables if len(v.values) > 1]
    names = {v.name for v in free}
    parent = {v.name: next((name for name, _ in reversed(v.when) if name in names), None) for v in free}

    def choice(variable: Variable) -> dict[str, Any]:
        nested = [v for v in free if parent[v.name] == variable.name]
        if not nested:
            return {"_type": "choice", "_value": list(range(len(variable.values)))}
        options = []
        for index, value in enumerate(variable.values):
            called = {v.name: choice(v) for v in nested if value in dict(v.when)[variable.name]}
            options.append({"_name": str(index), **called})
        return {"_type": "choice", "_value": options}

    return {v.name: choice(v) for v in free if parent[v.name] is None}


def to_params(space: Space, proposal: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params that a proposal of NNI's stands for."""
    chosen = _flat(proposal)
    return space.choose(lambda variable: variable.values[chosen[variable.name]])


def _flat(proposal: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, value in proposal.items():
        if isinstance(value, Mapping):
            found[name] = int(value["_name"])
            found |= _flat({key: item for key, item in value.items() if key != "_name"})
        else:
            found[name] = int(value)
    return found


def result(trial: Trial | None, ideal: Point, reference_point: Point | None) -> dict[str, float]:
    """Return what a trial reports to NNI: ``default``, higher is better, and the objectives as extra keys.

    ``default`` is the augmented Chebyshev value of -score, multiply-adds and milliseconds, each as a share of the way
    from the study's ideal point (0) to its reference point (1): minus the largest share, minus 0.05 of their sum.
    """
    if trial is None or not trial.counts or reference_point is None:
        return {"default": WORST}
    score, macs, latency_ms = trial.point
    corners = zip(trial.point, ideal, reference_point, strict=True)
    shares = [(value - best) / (limit - best) for value, best, limit in corners]
    default = -max(shares) - _SUM * sum(shares)
    return {"default": max(default, WORST), "score": -score, "gflops": macs / 1e9, "latency_ms": latency_ms}
