"""Which axes a study's scores depend on."""

from vitspace.analysis.importance import importances
from vitspace.analysis.observations import of_study
from vitspace.analysis.sight import spread_of
from vitspace.errors import InputError
from vitspace.space import stored_space
from vitspace.study.record import StudyRecord

#: Completed trials from which axes are told apart here; fewer make a forest of noise.
ENOUGH = 30
_SHOWN = 12


def axis_importance(record: StudyRecord) -> list[tuple[str, float]] | str:
    """Return (axis, fANOVA share of the score at equal FLOPs), the largest first, or a sentence that says why not."""
    done = len(record.completed)
    if done < ENOUGH:
        return (
            f"From {ENOUGH} designs with a score on, this section shows how much of the differences between scores at "
            f"equal FLOPs goes with each axis; {done} {'is' if done == 1 else 'are'} too few to tell axes apart."
        )
    try:
        stored = record.told("space")
        seen = of_study(stored_space(record.config.space, stored), record, record.config.limits)
        found = importances(seen, spread_of(record, seen).sees)
    except InputError as error:
        return f"Axis importance is not to be had: {error}."
    ordered = sorted(found.items(), key=lambda item: -item[1].overall)
    return [(axis, float(value.overall)) for axis, value in ordered[:_SHOWN]]
