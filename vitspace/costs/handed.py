"""What flows between the stages of a network."""

from typing import NamedTuple

from vitspace.spec import Carry

Shape = tuple[int, ...]


class Handed(NamedTuple):
    """What a stage or the head is handed by the part before it; equal ones are handed the same.

    Attributes:
        shape: Of the map, [1, C, H, W].
        carry: What the carry is, or None.
        carry_shape: Its shape, or None.
        stride: Pixels of the image a side of one of the map's positions.
    """

    shape: Shape
    carry: Carry | None = None
    carry_shape: Shape | None = None
    stride: int = 4

    @property
    def dim(self) -> int:
        """Channels of the map."""
        return self.shape[1]

    @property
    def key(self) -> list[object]:
        """Plain data that tells this from all others, for a cache on the disk."""
        carry = self.carry and {"kind": self.carry.kind, "dim": self.carry.dim, "size": self.carry.size}
        return [self.dim, carry, self.shape, self.carry_shape, self.stride]

    def of_dim(self, dim: int) -> "Handed":
        """Return the same with another number of channels."""
        return self._replace(shape=(self.shape[0], dim, *self.shape[2:]))
