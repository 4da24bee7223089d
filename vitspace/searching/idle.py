"""The time of a study in which its processes did not evaluate, and in which they waited for each other."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from optuna.trial import FrozenTrial

from vitspace.searching.claims import CLAIM
from vitspace.searching.lease import owner_of
from vitspace.study.store import has_result, read_trial
from vitspace.study.trial import Trial
from vitspace.units import format_seconds

#: When a trial began and ended by its process's clock, in seconds; the seconds of its evaluation; its design's spec id
#: where it is complete.
Span = tuple[float, float, float, str | None]


def idle_share(stored: Iterable[FrozenTrial], reference: str | None) -> float | None:
    """Return the share of time, from each process's first end of a trial to its last, that went to no evaluation.

    So proposing, storing, rejecting and waiting count; starting up, loading data and writing reports do not. What lies
    behind the reference design's trial is left out, since there it is scored with a second seed, in seconds not stored.

    Args:
        stored: The study's trials.
        reference: The reference design's spec id.

    Returns:
        0..1, or None where no process ended two trials.
    """
    return share_of(spans_by_process(stored).values(), reference)


def share_of(rows: Iterable[list[Span]], reference: str | None) -> float | None:
    """Return the idle share of rows of evaluations, each of which came one after the other; see `idle_share`."""
    whole = busy = 0.0
    for spans in rows:
        for (_, before, _, last), (start, end, seconds, _) in pairwise(spans):
            seed = last is not None and last == reference
            whole += end - (start if seed else before)
            busy += seconds
    return 1 - busy / whole if whole > 0 else None


def spans_by_process(stored: Iterable[FrozenTrial]) -> dict[Any, list[Span]]:
    """Return each process's evaluated trials by their ends; an interrupted one is its process's last, and left out."""
    found: dict[Any, list[Span]] = defaultdict(list)
    for each in stored:
        if each.datetime_start and each.datetime_complete and has_result(each):
            trial = read_trial(each, design=False)
            run = trial.details.get("run")
            if run and trial.seconds:  # else it was rejected or interrupted, and not evaluated
                began, ended = each.datetime_start.timestamp(), each.datetime_complete.timestamp()
                spec_id = each.system_attrs.get(CLAIM) if trial.complete else None
                # Ray's tasks have one owner, the driver, and a process of their own.
                found[owner_of(each), run["pid"]].append((began, ended, trial.seconds, spec_id))
    return {process: sorted(spans, key=lambda span: span[1]) for process, spans in found.items()}


def waited_words(trials: Iterable[Trial]) -> str:
    """Say how long networks were timed, and for how long trainings waited for that; an empty string where none did."""
    details = [trial.details for trial in trials]
    timed, waited = (sum(each.get(f"{word}_seconds", 0.0) for each in details) for word in ("timed", "waited"))
    if waited < 1:
        return ""
    return (
        f"latency was timed for {format_seconds(timed)} in all, while no training of this host ran: trainings and "
        f"timings waited {format_seconds(waited)} for each other, added up over the workers"
    )
