"""How ImageNet top-1 carries over to a dense task: a line through the published rows of the task, and its error.

A row is a backbone of published top-1 with the mIoU or AP that it reaches behind the task's head, as its paper trained
it. Top-1 of our backbones is their paper's, that of peers timm's of the weights that their tables begin from
(torchvision's for ResNets, also where a toolbox has a ResNet of another stem). The held-out error is that of each row
by the line through the rows of other families, beside that by their mean, which a line must beat. A line is used
between the least and the largest top-1 of its rows.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from vitspace.anchors import all_anchors
from vitspace.tasks.heads import DENSE, task_of
from vitspace.tasks.published import DenseRow, dense_rows

#: Rows of different backbones that make a line.
FEWEST = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Carried:
    """A published row by what counts here.

    Attributes:
        row: The row.
        top1: Published ImageNet-1k top-1 of its backbone, %.
    """

    row: DenseRow
    top1: float


@dataclass(frozen=True)
class Line:
    """The least-squares line of a metric over top-1.

    Attributes:
        task: The dense task.
        metric: What it predicts: mIoU, AP box, AP keypoint.
        points: The rows, by top-1.
    """

    task: str
    metric: str
    points: tuple[Carried, ...]

    @cached_property
    def top1(self) -> Floats:
        """Top-1 of the rows, [N]."""
        return np.array([point.top1 for point in self.points])

    @cached_property
    def values(self) -> Floats:
        """The metric of the rows, [N]."""
        return np.array([point.row.value for point in self.points])

    @cached_property
    def _others(self) -> NDArray[np.bool_]:
        """For each row, which rows are of another family than its own, [N, N]."""
        families = np.array([_family(point.row) for point in self.points])
        return families[:, None] != families[None, :]

    @cached_property
    def _fitted(self) -> Floats:
        return np.polyfit(self.top1, self.values, 1)

    @property
    def slope(self) -> float:
        """Points of the metric for a point of top-1."""
        return float(self._fitted[0])

    @property
    def data(self) -> str:
        """What the metric is measured on."""
        return task_of(self.task).data

    @cached_property
    def errors(self) -> Floats:
        """Each row less what the line through the rows of other families says, [N]."""
        return self._left_out(lambda x, y, at: float(np.polyval(np.polyfit(x, y, 1), at)))

    def errors_of(self, family: str) -> Floats:
        """Return the `errors` of the rows of one family, [n]."""
        return self.errors[[_family(point.row) == family for point in self.points]]

    @property
    def error(self) -> float:
        """Mean absolute held-out error, points of the metric."""
        return float(np.abs(self.errors).mean())

    @property
    def sd(self) -> float:
        """Root of the mean squared held-out error, points of the metric."""
        return float(np.sqrt((self.errors**2).mean()))

    @cached_property
    def error_of_mean(self) -> float:
        """Mean absolute held-out error where each row is taken to be the mean of those of other families."""
        return float(np.abs(self._left_out(lambda x, y, at: float(y.mean()))).mean())

    @property
    def holds(self) -> bool:
        """Whether the line rises, and beats the mean on families that are held out."""
        return self.slope > 0 and self.error < self.error_of_mean

    def value(self, top1: float) -> float | None:
        """Return the metric at a top-1; None outside the rows' range, and where the line does not hold."""
        inside = self.top1.min() <= top1 <= self.top1.max()
        return self.at(top1) if inside and self.holds else None

    def at(self, top1: float) -> float:
        """Return the line's height at a top-1, wherever that is."""
        return float(np.polyval(self._fitted, top1))

    def _left_out(self, predict: Callable[[Floats, Floats, float], float]) -> Floats:
        known = zip(self._others, self.top1, self.values, strict=True)
        return np.array([y - predict(self.top1[others], self.values[others], float(x)) for others, x, y in known])

    @property
    def words(self) -> str:
        """How top-1 carries over, in a sentence."""
        rows, low, high = len(self.points), self.top1.min(), self.top1.max()
        of = f"{rows} published backbones of {self.task} ({self.data}, top-1 {low:.1f} to {high:.1f} %)"
        held = f"error on families held out {self.error:.1f} points, by the mean {self.error_of_mean:.1f}"
        if not self.holds:
            return f"{self.metric} does not follow from top-1 over the {of}: {held}."
        return f"{self.metric} rises {self.slope:.2f} points a point of top-1 over the {of}; {held}."


@cache
def lines(task: str) -> tuple[Line, ...]:
    """Return the lines of a dense task, one for each metric that enough rows print, that of most rows first.

    Raises:
        InputError: there is no such dense task.
    """
    task_of(task)
    by_metric: dict[str, list[Carried]] = {}
    for row in dense_rows():
        if row.task == task and (top1 := _top1(row)) is not None:
            by_metric.setdefault(row.metric, []).append(Carried(row, top1))
    found = [Line(task, metric, _distinct(points)) for metric, points in by_metric.items()]
    return tuple(sorted((line for line in found if len(line.points) >= FEWEST), key=lambda line: -len(line.points)))


def all_lines() -> list[Line]:
    """Return the lines of all dense tasks."""
    return [line for task in DENSE for line in lines(task)]


def _top1(row: DenseRow) -> float | None:
    if row.family == "peer":
        return row.top1
    published = all_anchors().get(row.network)  # none where a paper puts its head behind a public network
    return published.published.get("top1") if published else None


def _distinct(points: Sequence[Carried]) -> tuple[Carried, ...]:
    """Return the points by top-1, those once that several tables print."""
    known = {(point.row.network, point.row.value): point for point in points}
    return tuple(sorted(known.values(), key=lambda point: (point.top1, point.row.value)))


def _family(row: DenseRow) -> str:
    """Return a row's family; of a peer what the name of its network begins with: resnet, swin, pvt."""
    return row.family if row.family != "peer" else re.split(r"[\d_]", row.network)[0]
