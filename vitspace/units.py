"""Quantities as people write them: ``4G``, ``350M``, ``4e9``, ``60ms``, and ranges of them."""

import math
import re
from collections.abc import Callable
from decimal import Decimal

from vitspace.errors import InputError, shown

#: How multiply-adds are counted, printed with every number of them.
CONVENTION = "1 FLOP = 1 multiply-add of convolutions, linear layers and attention products"

_FACTORS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "MS": 1.0, "S": 1e3}
_NUMBER = re.compile(r"(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)\s*([a-z]*)", re.IGNORECASE)
#: Digits of the longest limit that is written whole.
_MOST = 12
#: A count below this beside one with a suffix lacks its own.
_LEAST_PLAIN = 1e3
_UNITS = {"count": ("", "K", "M", "G", "T"), "ms": ("", "MS", "S")}


def parse_quantity(text: str, unit: str = "count") -> float:
    """Read one positive number: a count (``4G``, ``4e9``) or milliseconds (``60ms``, ``0.06s``, ``60``).

    Raises:
        InputError: ``text`` is not a positive finite number with a known suffix.
    """
    match = _NUMBER.fullmatch(text.strip())
    suffixes = _UNITS[unit]
    if match and match[2].upper() in suffixes:
        value = _exact(match[1], match[2])
        if 0 < value < math.inf:
            return value
    example = "4G, 350M or 4e9" if unit == "count" else "60ms or 0.06s"
    raise InputError(f"a quantity is a positive number such as {example}, but got {shown(text)}")


def parse_range(text: str, unit: str = "count") -> tuple[float, float]:
    """Read ``4G`` (at most), ``3.5G..4G``, ``3.5G..`` or ``..4G`` as (lowest, highest), both inclusive.

    A lowest number without a suffix has that of the highest, ``3.5..4G``, unless it is then the greater one: so
    ``500000000..1G`` is read, too.

    Raises:
        InputError: a bound is malformed, the lowest exceeds the highest, or may lack its suffix, as in ``500..1G``.
    """
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not dots:
        return 0.0, parse_quantity(text, unit)
    if not low and not high:
        raise InputError(f"a range needs a bound, such as 3.5G..4G or ..4G, but got {shown(text)}")
    highest = parse_quantity(high, unit) if high else math.inf
    lowest = parse_quantity(low, unit) if low else 0.0
    if low and high and low[-1] in "0123456789." and (suffix := _NUMBER.fullmatch(high)):
        with_suffix = parse_quantity(low + suffix[2], unit)
        if with_suffix <= highest:
            lowest = with_suffix
        elif unit == "count" and suffix[2] and lowest < _LEAST_PLAIN:
            raise InputError(f"both ends of a range have a suffix, such as 0.5G..1G, but got {shown(text)}")
    if lowest > highest:
        raise InputError(f"a range goes from low to high, but got {shown(text)}: {low} > {high}")
    return lowest, highest


def _exact(number: str, suffix: str) -> float:
    """Return a decimal number times its suffix's factor, rounded once."""
    try:
        return float(Decimal(number) * Decimal(_FACTORS[suffix.upper()]))
    except ArithmeticError:  # an exponent beyond all numbers
        return math.inf


def format_count(value: float, digits: int = 4) -> str:
    """Write a count with its suffix, ``3.838G``."""
    for suffix in ("T", "G", "M", "K"):
        if value >= _FACTORS[suffix]:
            return f"{value / _FACTORS[suffix]:.{digits}g}{suffix}"
    return f"{value:.{digits}g}"


def format_bytes(count: int) -> str:
    """Write a number of bytes, ``1.25 GB``, ``31.0 MB``."""
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def format_exactly(value: float, show: Callable[[float, int], str] = format_count) -> str:
    """Write a limit with as many digits as it has, to twelve; one of more, as computed ones are, with four."""
    return next((show(value, n) for n in range(4, _MOST + 1) if show(value, n) == show(value, 16)), show(value, 4))


def format_apart(value: float, limit: float, show: Callable[[float, int], str] = format_count) -> tuple[str, str]:
    """Write a number and a limit, with four digits or as many as tell on which side of the limit the number lies.

    A limit is written as `format_exactly` does where that is all of it.
    """
    exact = format_exactly(limit, show)
    whole = exact == show(limit, 16)
    pairs = [(show(value, digits), exact if whole else show(limit, digits)) for digits in range(4, 18)]
    return next((pair for pair in pairs if _order(*map(_as_read, pair)) == _order(value, limit)), pairs[-1])


def _order(first: float, second: float) -> tuple[bool, bool]:
    return first < second, first > second


def _as_read(written: str) -> float:
    match = _NUMBER.fullmatch(written)
    return _exact(match[1], match[2]) if match else math.nan


def format_ms(value: float, digits: int = 4) -> str:
    """Write milliseconds, ``60ms``."""
    return f"{value:.{digits}g}ms"


def format_score(score: float, digits: int = 4) -> str:
    """Write a proxy's score: small ones with decimals, ``-2.1043``, large ones with commas, ``779,772,672``."""
    return f"{score:.{digits}f}" if abs(score) < 1e4 else f"{score:,.0f}"


def format_seconds(seconds: float) -> str:
    """Write a duration, ``4 min 05 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
