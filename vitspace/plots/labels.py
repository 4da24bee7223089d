"""Labels: text beside points, placed where it covers neither points nor other text."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox
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
_NEAR = 5.0  # farther away, a line leads from a label to its point
_RADIUS = 3.5  # around a point, in points of 1/72 inch
_HEAVY, _ASTRAY = 100, 10  # what it counts to cover a label or an edge, and to stand beside another point

Points = Sequence[tuple[float, float]]


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
        self._radius = _RADIUS * canvas.figure.dpi / 72
        self._taken: list[Bbox] = []

    def _pixels(self, points: Points) -> NDArray[np.float64]:
        pixels: NDArray[np.float64] = self._axes.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
        return pixels

    def add(self, x: float, y: float, text: str, required: bool = True, **style: Any) -> bool:
        """Write a label beside (x, y) where it covers least; False where an optional one finds no free place."""
        leader = {"arrowstyle": "-", "lw": 0.6, "color": style.get("color"), "shrinkA": 0, "shrinkB": 3}
        places = [
            (
                (x, y),
                {"xytext": (distance * dx, distance * dy), "ha": ha, "va": va}
                | ({"arrowprops": leader} if distance > _NEAR else {}),
            )
            for distance in _DISTANCES
            for dx, dy, ha, va in _SIDES
        ]
        return self._write(text, places, style, required, owner=self._pixels([(x, y)]))

    def corner(self, text: str, **style: Any) -> None:
        """Write a label into the lower right corner, over whatever line passes there."""
        note = self._axes.text(0.995, 0.02, text, transform=self._axes.transAxes, ha="right", **style)
        note.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
        self._taken.append(note.get_window_extent(self._renderer))

    def add_along(self, x: float, text: str, **style: Any) -> None:
        """Write a label upwards along the vertical line at x, as high as it finds room."""
        (left, right), (bottom, top) = self._axes.get_xlim(), self._axes.get_ylim()
        sides = [("right", -3.0), ("left", 3.0)] if x > (left * right) ** 0.5 else [("left", 3.0), ("right", -3.0)]
        places = [
            ((x, bottom + height * (top - bottom)), {"xytext": (shift, 0.0), "ha": ha, "va": "top"})
            for height in (0.985, 0.6)
            for ha, shift in sides
        ]
        self._write(text, places, style | {"rotation": 90})

    def _write(
        self,
        text: str,
        places: list[tuple[Any, dict[str, Any]]],
        style: dict[str, Any],
        required: bool = True,
        owner: NDArray[np.float64] | None = None,
    ) -> bool:
        """Write the text at the first of the places where it covers least."""
        best, least, box = None, math.inf, None
        for xy, where in places:
            plain = {name: value for name, value in where.items() if name != "arrowprops"}
            label = self._axes.annotate(text, xy, textcoords="offset points", annotation_clip=False, **plain, **style)
            extent = label.get_window_extent(self._renderer)
            label.remove()
            covered = self._covered(extent) + (0 if owner is None else _ASTRAY * self._astray(extent, owner))
            if covered < least:
                best, least, box = (xy, where), covered, extent
        if best is None or box is None or (least and not required):
            return False
        self._axes.annotate(text, best[0], textcoords="offset points", annotation_clip=False, **best[1], **style)
        self._taken.append(box)
        return True

    def _astray(self, box: Bbox, owner: NDArray[np.float64]) -> bool:
        """Whether a label stands nearer to another mark than to its own."""
        centre = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
        distances = np.linalg.norm(self._marks - centre, axis=1)
        return bool(len(distances)) and bool(distances.min() < np.linalg.norm(owner[0] - centre) - 1)

    def _covered(self, box: Bbox) -> int:
        """How much a box covers: one for each point, more for a label or an edge of the axes."""
        low, high = np.asarray(box.min) - self._radius, np.asarray(box.max) + self._radius
        inside = np.all((self._points > low) & (self._points < high), axis=1)
        frame = self._axes.bbox
        out = box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
        return int(inside.sum()) + _HEAVY * (sum(box.overlaps(other) for other in self._taken) + out)
