"""The variables of a space, each with its values and the condition under which it is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vitspace.errors import InputError

Params = dict[str, Any]


class InvalidDesign(InputError):  # noqa: N818 (a design is what is invalid)
    """Values of the axes that, taken together, break a rule."""


@dataclass(frozen=True)
class Variable:
    """One thing to choose.

    Attributes:
        name: ``dim``, ``stem.patch``, or ``depth.2`` for the second stage; ``msg.window`` among several families.
        axis: The axis that it is of: its name without the stage.
        field: The part's field it sets, or ``family``.
        part: stem, stage or head.
        stage: The stage from 0, or None for all.
        values: What it may be, in order.
        when: (name, values) of the variables under which it is chosen; otherwise the field keeps its default.
        scale: What a value is multiplied by, stage by stage.
    """

    name: str
    axis: str
    field: str
    part: str
    stage: int | None
    values: tuple[Any, ...]
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    scale: tuple[int, ...] | None = None

    def active(self, chosen: Mapping[str, Any]) -> bool:
        """Whether the values chosen so far call for this variable."""
        return all(name in chosen and chosen[name] in values for name, values in self.when)

    def scaled(self, value: Any, stage: int) -> Any:
        """Return what a value is in a stage, numbered from 0."""
        return value * self.scale[stage] if self.scale else value

    def unscaled(self, value: Any, stage: int) -> Any:
        """Return the value of which `scaled` makes this; this itself where there is none."""
        return value // self.scale[stage] if self.scale and value % self.scale[stage] == 0 else value


def in_order(variables: Sequence[Variable]) -> list[Variable]:
    """Order variables so that each comes after those it depends on.

    Raises:
        InputError: some depend on each other.
    """
    done: list[Variable] = []
    left = list(variables)
    while left:
        names = {v.name for v in done}
        ready = [v for v in left if all(name in names for name, _ in v.when)]
        if not ready:
            raise InputError(f"conditions must not go in a circle, but got {', '.join(v.name for v in left)}")
        done += ready
        left = [v for v in left if v not in ready]
    return done
