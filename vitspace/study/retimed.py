"""Latencies that were measured again once their trials had ended.

A storage keeps an ended trial as it was; so what was found later stands among the study's attributes, one for each
trial, and is laid over the trial where it is read.
"""

from typing import Any

from vitspace.study.reading import read_retimed
from vitspace.study.trial import Trial

_PREFIX = "retimed:"
_FIELDS = ("state", "why", "latency_ms", "latency")


def retimed_name(number: int) -> str:
    """Return the name of the study's attribute that holds what was found of a trial."""
    return f"{_PREFIX}{number}"


def retimed_fact(trial: Trial) -> dict[str, Any]:
    """Return what is kept of a trial that was timed again."""
    return {name: getattr(trial, name) for name in _FIELDS}


def as_retimed(trial: Trial, attrs: dict[str, Any]) -> Trial:
    """Return a trial as it stands since it was timed again, if it was, by its study's attributes.

    Raises:
        InputError: the attribute is not what `retimed_fact` returns.
    """
    fact = attrs.get(retimed_name(trial.number))
    return trial if fact is None else read_retimed(trial, fact)
