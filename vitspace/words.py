"""Plurals, ordinals, lists and exceptions, as sentences have them, and text that a terminal only shows."""

import re
from collections.abc import Sequence

#: Control characters but tab and line feed, and those that turn the direction of text.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return a text with what would control a terminal written out, as Python writes it in a literal."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def plural(number: int, noun: str) -> str:
    """Write a number of things: ``1 epoch``, ``3,000 epochs``, ``2 studies``, ``10 batches``."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith(("s", "x", "sh", "ch")) and not noun.endswith("epoch"):
        return f"{number:,} {noun}es"
    ending = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"{number:,} {ending}"


def some(names: Sequence[str], most: int = 3) -> str:
    """Write the first of some names, and how many there are more: ``a, b, c and 2 more``; ``none`` of no names."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}" if names else "none"


def cause(error: Exception) -> str:
    """Write an exception of any kind in one line: ``ValueError: negative dimension``."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def ordinal(number: int) -> str:
    """Write a place in a row: ``1st``, ``2nd``, ``3rd``, ``11th``, ``22nd``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
