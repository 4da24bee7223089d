"""The transition from stage to stage: what a stage behind a state costs, and the state behind it.

With a dense task, a stage costs what its map adds to the head, too, and what is left of the head stands at the end.
"""

from typing import Any, NamedTuple

from vitspace.costs import PartCost
from vitspace.costs.handed import Handed
from vitspace.costs.parts import StageCount, count_head, count_stage, count_stem
from vitspace.image_sizes import sides
from vitspace.space.config import CLASSES
from vitspace.space.schema import Schema
from vitspace.space.variables import InvalidDesign
from vitspace.spec import HeadSpec, StageSpec, StemSpec


class State(NamedTuple):
    """All that a stage depends on beside its own settings.

    Attributes:
        handed: What the stage is handed.
        ordered: The values before it of the fields that must not decrease from stage to stage.
    """

    handed: Handed
    ordered: tuple[Any, ...] = ()


def enter(schema: Schema, stem: StemSpec, first: StageSpec) -> tuple[State, PartCost]:
    """Return the state behind a stem, and its cost."""
    count = count_stem(stem, stem.out_dim(first), sides(schema.counted_size))
    return State(Handed(count.shape, stride=stem.stride)), count.total


def advance(schema: Schema, state: State, stage: StageSpec) -> tuple[State, StageCount]:
    """Return the state behind a stage that `Schema.placed` returned, and its count.

    Raises:
        InvalidDesign: a field falls that must not decrease from stage to stage.
    """
    if falls := schema.axes.falls(stage, state.ordered):
        raise InvalidDesign(falls)
    count = count_stage(stage, state.handed)
    handed = count.handed(stage.carry_out(state.handed.carry))
    return State(handed, schema.axes.ordered_values(stage)), count


def passed(schema: Schema, number: int, after: State) -> PartCost:
    """Return what the map of a stage, numbered from 0, adds to the head of the space's task."""
    return schema.task.level(number, after.handed.shape) if schema.task else PartCost()


def ended(schema: Schema, head: HeadSpec, after: State) -> PartCost:
    """Return what the head costs behind the last stage, beside what the stages' maps added."""
    return schema.task.head() if schema.task else count_head(head, after.handed, CLASSES).total
