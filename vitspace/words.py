"""Plurals and ordinals, as sentences have them."""


def plural(number: int, noun: str) -> str:
    """Write a number of things whose plural ends in s: ``1 epoch``, ``3,000 epochs``, ``2 studies``."""
    if number == 1:
        return f"1 {noun}"
    ending = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"{number:,} {ending}"


def ordinal(number: int) -> str:
    """Write a place in a row: ``1st``, ``2nd``, ``3rd``, ``11th``, ``22nd``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
