"""Bounds of what is read of a spec or a space, within which a network can be made."""

import math
from typing import Any

from vitspace.errors import InputError, shown

#: The most there may be: stages, blocks of one, channels, sides of windows; and heads, tokens, ratios and so on.
MOST_STAGES, MOST_DEPTH, MOST_CHANNELS, MOST_WINDOW, MOST_OTHER = 16, 256, 1 << 14, 64, 256
_LONGEST = 64


def most_of(field: str) -> int:
    """Return the largest number that a field of a part may hold."""
    if field in ("depth", "window"):
        return MOST_DEPTH if field == "depth" else MOST_WINDOW
    return MOST_CHANNELS if field in ("dim", "width") or field.endswith(("_dim", "_width")) else MOST_OTHER


def check_size(name: str, value: Any, most: int) -> None:
    """Check a number, or those of a list; anything else passes.

    Raises:
        InputError: a number is not finite or too large, or the list too long.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{name} is finite, but got {value}")
    if isinstance(value, int | float) and abs(value) > most:
        raise InputError(f"{name} is at most {most}, but got {shown(value)}")
    if isinstance(value, list | tuple):
        if len(value) > _LONGEST:
            raise InputError(f"{name} has at most {_LONGEST} values, but got {len(value)}")
        for each in value:
            check_size(name, each, most)
