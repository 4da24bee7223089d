"""The colour and mark of every family and space, the same in all figures."""

from collections.abc import Iterable

from vitspace.about import all_about

#: For what has no look of its own: hybrid and unified first.
OTHERS = (("#222222", "*"), ("#8C8C8C", "X"), ("#7A5195", "h"), ("#A6761D", "<"))
_NAMED = {"timm": ("#B8B8B8", "x"), "hybrid": OTHERS[0], "unified": OTHERS[1]}


def looks(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return (colour, mark) by family or space; those without a look take what is left, then begin again."""
    chosen = list(names)
    families = {key: (told.colour, told.mark) for key, told in all_about().items() if told.colour and told.mark}
    known = families | _NAMED
    taken = {known[name] for name in chosen if name in known}
    free = [look for look in (*OTHERS, *families.values()) if look not in taken] or list(OTHERS)
    others = [name for name in chosen if name not in known]
    return {name: known.get(name) or free[others.index(name) % len(free)] for name in chosen}
