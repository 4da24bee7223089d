"""Draws a design as a row of stages, in SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from vitspace.about import about

#: Of families that have none.
OTHER_COLOUR = "#8C8C8C"

_WIDTH, _HEIGHT, _MIDDLE = 360.0, 118.0, 52.0
_TALLEST, _LOWEST = 66.0, 12.0
_END, _GAP, _SHORTEST = 16.0, 15.0, 16.0


@dataclass(frozen=True)
class DrawnStage:
    """What a drawing shows of one stage.

    Attributes:
        dim: Channels that it puts out.
        depth: Blocks.
        family: Gives the colour.
        halves: Whether a downsampling stands before it.
        carried: Family of the tokens that the stage before hands to it, or empty.
    """

    dim: int
    depth: int
    family: str
    halves: bool
    carried: str = ""


@dataclass(frozen=True)
class Box:
    """One stage as drawn: its place along the network and its size, in units of the drawing.

    Attributes:
        stage: What is shown of it.
        x: Where it begins.
        width: How long it is: by its depth.
        height: How tall it is: by the square root of its channels.
    """

    stage: DrawnStage
    x: float
    width: float
    height: float


def boxes(stages: Sequence[DrawnStage]) -> list[Box]:
    """Lay a design's stages out from left to right."""
    room = _WIDTH - 2 * _END - _GAP * (len(stages) + 1) - _SHORTEST * len(stages)
    widest, depth = max(stage.dim for stage in stages), sum(stage.depth for stage in stages)
    found, x = [], _END + _GAP
    for stage in stages:
        width = _SHORTEST + room * stage.depth / depth
        found.append(Box(stage, x, width, max(_LOWEST, _TALLEST * math.sqrt(stage.dim / widest))))
        x += width + _GAP
    return found


def draw_svg(stages: Sequence[DrawnStage], name: str) -> str:
    """Draw a design as SVG text: a box a stage, its blocks as cells; arrows where tokens are handed on."""
    row = boxes(stages)
    mixed = len({stage.family for stage in stages}) > 1
    parts = [_end(0.5, "in"), *(_stage(box, mixed) for box in row), _link(_WIDTH - _END - _GAP)]
    parts.append(_end(_WIDTH - _END - 0.5, "out"))
    parts += [_carry(before, box) for before, box in pairwise(row) if box.stage.carried]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="100%" role="img" '
        f'style="max-width:560px" font-family="system-ui, sans-serif" font-size="9.5" text-anchor="middle">'
        f"<title>{escape(describe(stages, name))}</title>{''.join(parts)}</svg>"
    )


def describe(stages: Sequence[DrawnStage], name: str) -> str:
    """Say what the drawing shows."""
    words = [f"{stage.depth} {stage.family} blocks of {stage.dim} channels" for stage in stages]
    return f"design {name}: {', '.join(words)}"


def _end(x: float, text: str) -> str:
    return (
        f'<rect x="{x:g}" y="{_MIDDLE - 11:g}" width="{_END:g}" height="22" rx="3" fill="#fff" stroke="#8C8C8C"/>'
        f'<text x="{x + _END / 2:g}" y="{_MIDDLE + 3:g}" fill="#555" font-size="8">{text}</text>'
    )


def _stage(box: Box, mixed: bool) -> str:
    colour = about(box.stage.family).colour or OTHER_COLOUR
    top, centre = _MIDDLE - box.height / 2, box.x + box.width / 2
    cell = box.width / box.stage.depth
    lines = "".join(
        f'<path d="M{box.x + i * cell:.1f} {top:.1f}v{box.height:.1f}" stroke="#fff" stroke-width=".8"/>'
        for i in range(1, box.stage.depth)
    )
    name = (
        f'<text x="{centre:.1f}" y="113" fill="#555" font-size="8">{escape(box.stage.family)}</text>' if mixed else ""
    )
    return (
        _link(box.x - _GAP)
        + (_halving(box.x - _GAP / 2) if box.stage.halves else "")
        + f'<rect x="{box.x:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="2" '
        f'fill="{colour}"/>{lines}'
        f'<text x="{centre:.1f}" y="102" fill="#222">{box.stage.dim}\N{MULTIPLICATION SIGN}{box.stage.depth}</text>'
        + name
    )


def _link(x: float) -> str:
    return f'<path d="M{x + 1:.1f} {_MIDDLE:g}h{_GAP - 2:g}" stroke="#555"/>'


def _halving(x: float) -> str:
    """A funnel: the map's side is halved."""
    return f'<path d="M{x - 4:.1f} {_MIDDLE - 8:g}l8 4v8l-8 4z" fill="#fff" stroke="#555"/>'


def _carry(before: Box, box: Box) -> str:
    """An arrow over the gap: the stage before hands its tokens on."""
    start, end = before.x + before.width / 2, box.x + box.width / 2
    from_y, to_y = _MIDDLE - before.height / 2 - 1, _MIDDLE - box.height / 2 - 1
    colour = about(box.stage.carried).colour or OTHER_COLOUR
    high = min(from_y, to_y) - 11
    return (
        f'<path d="M{start:.1f} {from_y:.1f}C{start:.1f} {high:.1f} {end:.1f} {high:.1f} {end:.1f} {to_y - 3:.1f}" '
        f'fill="none" stroke="{colour}" stroke-dasharray="2.5 1.5"/>'
        f'<path d="M{end - 2.5:.1f} {to_y - 4:.1f}h5l-2.5 4z" fill="{colour}"/>'
    )
