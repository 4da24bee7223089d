"""The designs that a screening chose, and where they crowd at an end of the searched space."""

from vitspace.errors import InputError
from vitspace.space import Variable, stored_space
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.words import some

#: Finalists from which on it means something that they crowd, values that such an axis has, and which share does so.
_ENOUGH, _VALUES, _MOST = 6, 3, 10 / 12
#: Axes that are named; more are counted.
_NAMED = 4


def chosen_designs(record: StudyRecord) -> list[Trial]:
    """Completed trials that a screening chose; all that are no anchors where it was not kept which these are."""
    searched, ids = [t for t in record.completed if not t.anchor], record.screening.get("chosen")
    return searched if ids is None else [t for t in searched if t.spec and t.spec.id in ids]


def ends_words(record: StudyRecord) -> str:
    """Name the axes at an end of which nearly all finalists lie, as the best may then be outside of the space.

    None are known of a space that this installation cannot open, as one of another package's family.
    """
    finalists = chosen_designs(record) if record.screening.get("designs") else []
    if len(finalists) < _ENOUGH:
        return ""
    try:
        space = stored_space(record.config.space, record.told("space"))
    except InputError:
        return ""
    chosen = [space.encode(trial.spec) for trial in finalists if trial.spec and trial.spec in space]
    counts = {
        _said(variable, end): sum(params.get(variable.name) == end for params in chosen)
        for variable in space.variables
        for end in _ends(variable)
    }
    crowded = sorted((said for said in counts if counts[said] >= _MOST * len(finalists)), key=lambda s: -counts[s])
    if not crowded:
        return ""
    named = some([f"{said} ({counts[said]})" for said in crowded], _NAMED)
    axes = "an axis" if len(crowded) == 1 else "some axes"
    who = "All" if min(counts[said] for said in crowded) == len(finalists) else "Nearly all"
    return f"{who} {len(finalists)} finalists are at an end of {axes}: {named}. The best may lie outside of the space."


def _ends(variable: Variable) -> list[int | float]:
    """The least and the largest value of an axis of numbers, beyond which there may be others."""
    values = variable.values
    if len(values) < _VALUES or any(isinstance(value, str | bool) for value in values):
        return []
    return [end for end in (min(values), max(values)) if (variable.field, end) != ("depth", 1)]  # no stage is empty


def _said(variable: Variable, value: float) -> str:
    """``depth 8 in stage 4``."""
    where = "" if variable.stage is None else f" in stage {variable.stage + 1}"
    return f"{variable.axis.replace('.', ' ').replace('_', ' ')} {value:g}{where}"
