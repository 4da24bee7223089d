"""How well the runs of a timing are to tell a latency, as a share and as people write it, ``5%``."""

import math

from vitspace.errors import InputError, shown

#: Half the width, relative, of a 95 % interval: what can be asked, and what is usual.
PRECISIONS, USUAL_PRECISION = (0.005, 0.5), 0.03


def parse_precision(text: str) -> float:
    """Read how well a latency is to be known, ``5%`` or ``0.05``, as a share.

    Raises:
        InputError: it is no share, or none of `PRECISIONS`.
    """
    number, percent, rest = text.strip().partition("%")
    try:
        return check_precision(float(number) / (100 if percent else 1) if not rest else math.nan)
    except ValueError:
        raise InputError(f"{_RULE}, but got {shown(text)}") from None


def check_precision(value: float) -> float:
    """Return a share that says how well a latency is to be known.

    Raises:
        InputError: it is none of `PRECISIONS`.
    """
    if not PRECISIONS[0] <= value <= PRECISIONS[1]:
        raise InputError(f"{_RULE}, but got {value:g}")
    return value


def format_precision(value: float) -> str:
    """Write how well a latency is to be known, ``5%``."""
    return f"{100 * value:.6g}%"


_RULE = "precision is from {} to {}, such as 5%".format(*map(format_precision, PRECISIONS))
