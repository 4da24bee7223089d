"""The published rows, and the specs of those that belong to our families.

``published.csv`` holds every row as printed, with its paper and table; ``<family>.yaml`` holds for each row of that
family its parts, or the reason why no honest reading of the paper gives them (``unreproduced``), the recipe where it is
not the family's, and notes.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from html import escape
from importlib.resources import files
from typing import Any

import yaml

from vitspace.anchors.counted import counted as kept_costs
from vitspace.anchors.status import status as status_of
from vitspace.errors import InputError, shown
from vitspace.image_sizes import ImageSize, sides
from vitspace.spec import Spec, parse_part

ROLES = ("anchor", "ablation", "peer")
FACTS = ("params_m", "gflops", "top1", "cpu_ms")
STAGES = 4


@dataclass(frozen=True)
class Anchor:
    """A published row.

    Attributes:
        id: Its name, ``msg_tiny``.
        family: The family, or ``peer``.
        role: anchor, ablation or peer.
        resolution: Side of the image in pixels.
        published: params_m (millions), gflops (billions of multiply-adds), top1 (ImageNet-1k, %), cpu_ms; absent
            where the paper prints none.
        digits: Decimals printed of params_m and gflops.
        source: Paper and table.
        note: What the paper says of the row, and what we say of ours.
        caveat: What we say of ours, alone.
        parts: The settings of stem, stages and head; empty where the row has no spec.
        unreproduced: Why no honest reading of the paper gives the printed numbers, or empty.
        recipe: By which it was trained, where that is not its family's; see `vitspace.training`.
    """

    id: str
    family: str
    role: str
    resolution: int
    published: Mapping[str, float]
    digits: Mapping[str, int]
    source: str
    note: str
    caveat: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unreproduced: str = ""
    recipe: str = ""

    @cached_property
    def spec(self) -> Spec | None:
        """The spec, or None for a row without one."""
        return assemble(self.family, **self.parts) if self.parts else None

    def at(self, img_size: ImageSize) -> Spec | None:
        """Return the spec for images of a size, windows and grids following it; see `Spec.at`.

        Raises:
            InputError: it is no size of images, or a window would be larger than any may be.
        """
        return self.spec and self.spec.at(img_size, self.resolution)

    @cached_property
    def status(self) -> str:
        """Whether our network costs what is printed: reproduced, unreproduced or not-applicable.

        Reproduced is a row whose params and FLOPs are within the family's tolerances or a unit of the last printed
        digit; unreproduced any other that prints them, a misprint too; not-applicable a peer, or a row that prints
        neither. What is not kept in ``counted.csv`` is counted.
        """
        costs = kept_costs(self) if self.parts else None
        if costs is None and self.parts:
            from vitspace.anchors.counting import count

            costs = count(self)
        return status_of(self, costs)[0]

    def _repr_html_(self) -> str:
        """Return the published numbers and the drawing, for a notebook."""
        names = {"params_m": "params, M", "gflops": "FLOPs, G", "top1": "ImageNet top-1, %", "cpu_ms": "CPU ms"}
        rows = "".join(f"<tr><td>{names[key]}</td><td>{value:g}</td></tr>" for key, value in self.published.items())
        drawing = self.spec._repr_html_() if self.spec else ""
        return (
            f"<div><b>{escape(self.id)}</b>, {escape(self.source)}</div>"
            f"<table><thead><tr><th>published</th><th></th></tr></thead><tbody>{rows}</tbody></table>{drawing}"
        )


def assemble(
    family: str,
    stage: Mapping[str, Any],
    stem: Mapping[str, Any] | None = None,
    head: Mapping[str, Any] | None = None,
) -> Spec:
    """Make a spec of one family from settings; a list holds one value a stage, anything else is for all stages.

    Raises:
        InputError: a key is unknown, a value breaks a rule, or lists differ in length.
    """
    lengths = {len(value) for value in stage.values() if isinstance(value, list)} or {STAGES}
    if len(lengths) != 1:
        raise InputError(f"lists hold one value a stage, but their lengths are {sorted(lengths)}")
    stages = []
    for i in range(lengths.pop()):
        values = {key: value[i] if isinstance(value, list) else value for key, value in stage.items()}
        stages.append(parse_part("stage", {"family": family} | values, f"stage {i + 1}"))
    return Spec(
        parse_part("stem", {"family": family} | dict(stem or {}), "stem"),  # type: ignore[arg-type]
        tuple(stages),  # type: ignore[arg-type]
        parse_part("head", {"family": family} | dict(head or {}), "head"),  # type: ignore[arg-type]
    )


def specs_at(rows: Iterable[Anchor], img_size: ImageSize) -> dict[str, Spec]:
    """Return the specs of rows for images of a size, by id.

    Rows without a spec are left out, and those that are none at the size, as a window would be larger than any may be.

    Raises:
        InputError: it is no size of images.
    """
    size, found = sides(img_size), {}
    for row in rows:
        try:
            spec = row.at(size)
        except InputError:  # of a window: the size is one of images
            continue
        if spec is not None:
            found[row.id] = spec
    return found


@cache
def all_anchors() -> dict[str, Anchor]:
    """Return every published row by id, in the order of ``published.csv``."""
    folder = files(__name__)
    rows = list(csv.DictReader(folder.joinpath("published.csv").read_text().splitlines()))
    ours: dict[str, Any] = {}
    for path in folder.iterdir():
        if path.name.endswith(".yaml"):
            ours |= yaml.safe_load(path.read_text())
    unknown = ours.keys() - {row["id"] for row in rows}
    if unknown:
        raise InputError(f"anchors stand in published.csv, but these do not: {', '.join(sorted(unknown))}")
    return {row["id"]: _anchor(row, ours.get(row["id"], {})) for row in rows}


def list_anchors(role: str | None = None) -> list[str]:
    """Return the ids of all published rows, or of those with one role: anchor, ablation or peer.

    Raises:
        InputError: no such role.
    """
    if role is not None and role not in ROLES:
        raise InputError(f"a role is one of {', '.join(ROLES)}, but got {shown(role)}")
    return [anchor.id for anchor in all_anchors().values() if role in (None, anchor.role)]


def anchor(name: str) -> Anchor:
    """Return a published row by id.

    Raises:
        InputError: no such row; the message names the nearest ids.
    """
    rows = all_anchors()
    if name not in rows:
        near = get_close_matches(name, rows, n=3, cutoff=0.3)
        raise InputError(f"an anchor is an id of `vitspace anchors`, but got {shown(name)}; nearest: {', '.join(near)}")
    return rows[name]


def _anchor(row: dict[str, str], ours: Mapping[str, Any]) -> Anchor:
    notes = [row["note"], ours.get("note", "")]
    return Anchor(
        id=row["id"],
        family=row["family"],
        role=row["role"],
        resolution=int(row["resolution"]),
        published={name: float(row[name]) for name in FACTS if row[name]},
        digits={name: len(row[name].partition(".")[2]) for name in ("params_m", "gflops") if row[name]},
        source=f"{row['paper']}, table {row['table']}",
        note="; ".join(note for note in notes if note),
        caveat=ours.get("note", ""),
        parts={key: ours[key] for key in ("stem", "stage", "head") if key in ours},
        unreproduced=ours.get("unreproduced", ""),
        recipe=ours.get("recipe", ""),
    )
