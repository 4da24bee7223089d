"""Looks: the colour and mark of every space, the same in all figures."""

from collections.abc import Iterable

from vitspace.plots.schematic import FAMILY_COLOURS

#: Okabe and Ito's colours, each with a shape of its own.
LOOKS = {
    **{family: (colour, mark) for (family, colour), mark in zip(FAMILY_COLOURS.items(), "os^DvP", strict=True)},
    "timm": ("#B8B8B8", "x"),
}
#: For spaces that are no family's own: hybrid and unified first.
OTHERS = (("#222222", "*"), ("#8C8C8C", "X"), ("#7A5195", "h"), ("#A6761D", "<"))
_NAMED = {"hybrid": OTHERS[0], "unified": OTHERS[1]}


def looks(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return (colour, mark) by space; spaces beyond the known ones take what is left, then begin again."""
    chosen = list(names)
    known = LOOKS | _NAMED
    taken = {known[name] for name in chosen if name in known}
    free = [look for look in (*OTHERS, *LOOKS.values()) if look not in taken] or list(OTHERS)
    others = [name for name in chosen if name not in known]
    return {name: known.get(name) or free[others.index(name) % len(free)] for name in chosen}
