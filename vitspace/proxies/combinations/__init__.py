"""Models over training-free scores; one file each, whose name is the combination's.

A combination's file names its `COMPONENTS`, the scores it reads, and has ``fit(values, top1)``, which returns a model
fitted on published designs: ``values`` holds each component's score of each design [N], ``top1`` their accuracies [N].
"""

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any, Protocol

from vitspace.anchors import Anchor
from vitspace.anchors.references import main_anchors, spec_of
from vitspace.errors import InputError, shown
from vitspace.proxies import COMBINATIONS
from vitspace.proxies.score_tables import committed_rows
from vitspace.proxies.scores import Subject, measure

__all__ = ["Combination", "combination", "fit_on", "fitted"]

#: Published designs that a combination is fitted on at least.
FEWEST = 3
#: By component, the score of each design, by its spec's id.
Values = Mapping[str, Mapping[str, float]]


class Combination(Protocol):
    """A combination, fitted."""

    @property
    def components(self) -> tuple[str, ...]:
        """The scores it reads."""

    def predict(self, values: Mapping[str, float]) -> float:
        """Return the combined score of a design from its scores; higher is better."""

    def describe(self) -> dict[str, Any]:
        """Return its weights."""


def combination(name: str) -> ModuleType:
    """Return a combination's file.

    Raises:
        InputError: there is none.
    """
    if name not in COMBINATIONS:
        raise InputError(f"a combination is one of {', '.join(COMBINATIONS)}, but got {shown(name)}")
    return importlib.import_module(f"{__name__}.{name}")


def fit_on(name: str, values: Values, rows: Sequence[Anchor]) -> Combination:
    """Fit a combination on published rows; those that miss a component are left out.

    Raises:
        InputError: fewer than `FEWEST` rows are left.
    """
    module = combination(name)
    columns = [values[component] for component in module.COMPONENTS]
    known = [row for row in rows if all(spec_of(row).id in column for column in columns)]
    if len(known) < FEWEST:
        raise InputError(f"{name} is fitted on at least {FEWEST} published designs, but got {len(known)}")
    table = {name: [values[name][spec_of(row).id] for row in known] for name in module.COMPONENTS}
    return module.fit(table, [row.published["top1"] for row in known])


def fitted(name: str) -> Combination:
    """Fit a combination on all comparable anchors, by the committed tables; what is not in them is measured."""
    return fit_on(name, _anchor_values(name), main_anchors())


@cache
def _anchor_values(name: str) -> Values:
    """Return a combination's components of the comparable anchors: committed, or measured where they are not."""
    components = combination(name).COMPONENTS
    values: dict[str, dict[str, float]] = {component: {} for component in components}
    for row in committed_rows():
        if row.proxy in values and row.value is not None and (row.seed, row.init) == (0, "own"):
            values[row.proxy][row.spec] = row.value
    for anchor in main_anchors():
        spec = spec_of(anchor)
        missing = [component for component in components if spec.id not in values[component]]
        if missing:
            found = measure(Subject.of_spec(spec, anchor.resolution), missing)
            for component, value in found.values.items():
                values[component][spec.id] = value
    return values
