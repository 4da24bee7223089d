"""What a stage hands to the next beside its map."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Carry:
    """What a stage hands to the next beside its map.

    Attributes:
        kind: The family whose tokens these are.
        dim: Their channels.
        size: What fixes their number: MSG's window, VT's token count.
    """

    kind: str
    dim: int
    size: int
