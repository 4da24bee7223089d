"""Schematic: a design drawn as a row of stages, in SVG."""

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from vitspace.about import about
from vitspace.spec import Spec

#: Of families that have none.
OTHER_COLOUR = "#8C8C8C"

_WIDTH, _HEIGHT, _MIDDLE = 360.0, 118.0, 52.0
_TALLEST, _LOWEST = 66.0, 12.0
_END, _GAP, _SHORTEST = 16.0, 15.0, 16.0


@dataclass(frozen=True)
class Box:
    """One stage as drawn: its place along the network and its size, in units of the drawing.

    Attributes:
        x: Where it begins.
        width: How long it is: by its depth.
        height: How tall it is: by the square root of its channels.
        dim: Channels that it puts out.
        depth: Blocks.
        family: Gives the colour.
        halves: Whether a downsampling stands before it.
        carried: Family of the tokens that the stage before hands to it, or empty.
    """

    x: float
    width: float
    height: float
    dim: int
    depth: int
    family: str
    halves: bool
    carried: str


def boxes(spec: Spec) -> list[Box]:
    """Lay a design's stages out from left to right."""
    room = _WIDTH - 2 * _END - _GAP * (len(spec.stages) + 1) - _SHORTEST * len(spec.stages)
    widest = max(stage.out_dim for stage in spec.stages)
    found, x = [], _END + _GAP
    for i, stage in enumerate(spec.stages):
        width = _SHORTEST + room * stage.depth / spec.depth
        height = max(_LOWEST, _TALLEST * math.sqrt(stage.out_dim / widest))
        carry = spec.carries[i]
        carried = carry.kind if carry else ""
        found.append(Box(x, width, height, stage.out_dim, stage.depth, stage.family, stage.stride > 1, carried))
        x += width + _GAP
    return found


def draw_svg(spec: Spec) -> str:
    """Draw a design as SVG text: a box a stage, its blocks as cells; arrows where tokens are handed on."""
    stages = boxes(spec)
    mixed = len({box.family for box in stages}) > 1
    parts = [_end(0.5, "in"), *(_stage(box, mixed) for box in stages), _link(_WIDTH - _END - _GAP)]
    parts.append(_end(_WIDTH - _END - 0.5, "out"))
    parts += [_carry(before, box) for before, box in pairwise(stages) if box.carried]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="100%" role="img" '
        f'style="max-width:560px" font-family="system-ui, sans-serif" font-size="9.5" text-anchor="middle">'
        f"<title>{escape(describe(spec))}</title>{''.join(parts)}</svg>"
    )


def describe(spec: Spec) -> str:
    """Say what the drawing shows."""
    stages = [f"{stage.depth} {stage.family} blocks of {stage.out_dim} channels" for stage in spec.stages]
    return f"design {spec.id}: {', '.join(stages)}"


def _end(x: float, text: str) -> str:
    return (
        f'<rect x="{x:g}" y="{_MIDDLE - 11:g}" width="{_END:g}" height="22" rx="3" fill="#fff" stroke="#8C8C8C"/>'
        f'<text x="{x + _END / 2:g}" y="{_MIDDLE + 3:g}" fill="#555" font-size="8">{text}</text>'
    )


def _stage(box: Box, mixed: bool) -> str:
    colour = about(box.family).colour or OTHER_COLOUR
    top, centre = _MIDDLE - box.height / 2, box.x + box.width / 2
    cell = box.width / box.depth
    lines = "".join(
        f'<path d="M{box.x + i * cell:.1f} {top:.1f}v{box.height:.1f}" stroke="#fff" stroke-width=".8"/>'
        for i in range(1, box.depth)
    )
    name = f'<text x="{centre:.1f}" y="113" fill="#555" font-size="8">{escape(box.family)}</text>' if mixed else ""
    return (
        _link(box.x - _GAP)
        + (_halving(box.x - _GAP / 2) if box.halves else "")
        + f'<rect x="{box.x:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="2" '
        f'fill="{colour}"/>{lines}'
        f'<text x="{centre:.1f}" y="102" fill="#222">{box.dim}\N{MULTIPLICATION SIGN}{box.depth}</text>{name}'
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
    colour = about(box.carried).colour or OTHER_COLOUR
    high = min(from_y, to_y) - 11
    return (
        f'<path d="M{start:.1f} {from_y:.1f}C{start:.1f} {high:.1f} {end:.1f} {high:.1f} {end:.1f} {to_y - 3:.1f}" '
        f'fill="none" stroke="{colour}" stroke-dasharray="2.5 1.5"/>'
        f'<path d="M{end - 2.5:.1f} {to_y - 4:.1f}h5l-2.5 4z" fill="{colour}"/>'
    )
