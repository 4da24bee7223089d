"""Places text beside points, where it covers neither points nor other text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

#: Directions from a point to its label, the best first: (x, y, horizontal and vertical alignment).
_SIDES = (
    (1, 1, "left", "bottom"),
    (-1, 1, "right", "bottom"),
    (1, -1, "left", "top"),
    (-1, -1, "right", "top"),
    (1.4, 0, "left", "center"),
    (-1.4, 0, "right", "center"),
    (0, 1.4, "center", "bottom"),
    (0, -1.4, "center", "top"),
)
_DISTANCES = (5.0, 11.0, 18.0, 27.0, 38.0)
#: Shares of a vertical line at which a label along it may end.
_HEIGHTS = (0.985, 0.8, 0.6, 0.4)
_RADIUS = 3.5  # around a point, in points of 1/72 inch
_HEAVY, _ASTRAY = 100, 10  # what it counts to cover a label or an edge, and to stand beside another point

#: What of a label's size lies left of or below its point, by alignment.
_SHARES = {"left": 0.0, "bottom": 0.0, "center": 0.5, "right": 1.0, "top": 1.0}

Points = Sequence[tuple[float, float]]
Array = NDArray[np.float64]


def along(segments: Iterable[tuple[tuple[float, float], tuple[float, float]]]) -> list[tuple[float, float]]:
    """Points along lines, close enough together that no label lies on a line unseen."""
    pieces = [np.linspace(a, b, 40) for a, b in segments]
    return [(float(x), float(y)) for piece in pieces for x, y in piece]


class Labels:
    """Places labels one after the other, each clear of the points and of those before it.

    Args:
        axes: With their final limits.
        marks: [N, 2] in data coordinates: the points that labels belong to, and may not cover.
        lines: [M, 2] in data coordinates: other points that no label may cover.
    """

    def __init__(self, axes: Axes, marks: Points, lines: Points = ()) -> None:
        canvas = axes.figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        self._axes, self._renderer = axes, canvas.get_renderer()
        self._marks = self._pixels(marks)
        self._points = np.concatenate([self._marks, self._pixels(lines)])
        self._dots = canvas.figure.dpi / 72  # pixels a point
        self._radius = _RADIUS * self._dots
        self._taken: list[Array] = []

    def _pixels(self, points: Points) -> Array:
        pixels: Array = self._axes.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
        return pixels

    def add(self, x: float, y: float, text: str, required: bool = True, far: bool = True, **style: Any) -> bool:
        """Write a label beside (x, y) where it covers least; False where an optional one finds no free place.

        Unless it may stand ``far`` from its point, it touches it.
        """
        places = [
            _Place((x, y), (distance * dx, distance * dy), ha, va)
            for distance in (_DISTANCES if far else _DISTANCES[:1])
            for dx, dy, ha, va in _SIDES
        ]
        label = self._measured(text, places, style)
        astray = self._astray(label.boxes, self._pixels([(x, y)]))
        chosen = self._least(label.boxes, _ASTRAY * astray, required)
        if chosen is None:
            return False
        if chosen >= len(_SIDES):  # farther away than the first places, a line leads from a label to its point
            leader = {"arrowstyle": "-", "lw": 0.6, "color": style.get("color"), "shrinkA": 0, "shrinkB": 3}
            style = style | {"arrowprops": leader}
            self._cross(self._pixels([(x, y)])[0], label.boxes[chosen])
        self._write(label, chosen, style)
        return True

    def _cross(self, point: Array, box: Array) -> None:
        """Keep later labels off the line that leads from a label to its point."""
        nearest = np.clip(point, box[:2], box[2:])
        self._points = np.concatenate([self._points, np.linspace(point, nearest, 10)])

    def corner(self, text: str, **style: Any) -> None:
        """Write a label into the lower right corner, over whatever line passes there."""
        note = self._axes.text(0.995, 0.02, text, transform=self._axes.transAxes, ha="right", **style)
        note.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
        self._taken.append(np.array(note.get_window_extent(self._renderer).extents))

    def add_along(self, x: float, text: str, **style: Any) -> None:
        """Write a label upwards along the vertical line at x, as high as it finds room."""
        (left, right), (bottom, top) = self._axes.get_xlim(), self._axes.get_ylim()
        sides = [("right", -3.0), ("left", 3.0)] if x > (left * right) ** 0.5 else [("left", 3.0), ("right", -3.0)]
        places = [
            _Place((x, bottom + height * (top - bottom)), (shift, 0.0), ha, "top")
            for height in _HEIGHTS
            for ha, shift in sides
        ]
        label = self._measured(text, places, style | {"rotation": 90})
        chosen = self._least(label.boxes, np.zeros(len(places), dtype=int))
        assert chosen is not None
        self._write(label, chosen, style | {"rotation": 90})

    def _measured(self, text: str, places: list["_Place"], style: dict[str, Any]) -> "_Label":
        """Lay a text out once, and return its boxes at all places."""
        note = self._axes.annotate(text, (0, 0), xycoords="figure pixels", annotation_clip=False, **style)
        extent = note.get_window_extent(self._renderer)
        note.remove()
        size = np.array([extent.width, extent.height])
        points = self._pixels([place.xy for place in places]) + self._dots * np.array([place.shift for place in places])
        low = points - size * np.array([(_SHARES[place.ha], _SHARES[place.va]) for place in places])
        return _Label(text, places, np.hstack([low, low + size]))

    def _least(self, boxes: Array, astray: NDArray[np.int_], required: bool = True) -> int | None:
        """Return the first of the places where a label covers least; None where an optional one covers anything."""
        covered = self._covered(boxes) + astray
        chosen = int(covered.argmin())
        return None if covered[chosen] and not required else chosen

    def _write(self, label: "_Label", chosen: int, style: dict[str, Any]) -> None:
        place = label.places[chosen]
        where: dict[str, Any] = {"xytext": place.shift, "textcoords": "offset points", "ha": place.ha, "va": place.va}
        self._axes.annotate(label.text, place.xy, annotation_clip=False, **where, **style)
        self._taken.append(label.boxes[chosen])

    def _astray(self, boxes: Array, owner: Array) -> NDArray[np.bool_]:
        """Whether labels [P, 4] stand nearer to another mark than to their own."""
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        if not len(self._marks):
            return np.zeros(len(boxes), dtype=bool)
        nearest = np.linalg.norm(self._marks - centres[:, None], axis=2).min(axis=1)
        astray: NDArray[np.bool_] = nearest < np.linalg.norm(owner - centres, axis=1) - 1
        return astray

    def _covered(self, boxes: Array) -> NDArray[np.int_]:
        """How much boxes [P, 4] cover: one for each point, more for a label or an edge of the axes."""
        low, high = boxes[:, None, :2], boxes[:, None, 2:]
        inside = np.all((self._points > low - self._radius) & (self._points < high + self._radius), axis=2)
        taken = np.array(self._taken).reshape(-1, 4)
        over = np.all((low <= taken[:, 2:]) & (high >= taken[:, :2]), axis=2)
        frame = self._axes.bbox
        out = np.any((boxes[:, :2] < frame.min) | (boxes[:, 2:] > frame.max), axis=1)
        covered: NDArray[np.int_] = inside.sum(axis=1) + _HEAVY * (over.sum(axis=1) + out)
        return covered


@dataclass(frozen=True)
class _Place:
    """Where a label may stand: beside ``xy`` of the data, ``shift`` points away, and how it is aligned there."""

    xy: tuple[float, float]
    shift: tuple[float, float]
    ha: str
    va: str


@dataclass(frozen=True)
class _Label:
    """A text with its places, and the boxes [P, 4] that it fills there: left, bottom, right, top in pixels."""

    text: str
    places: list[_Place]
    boxes: Array
