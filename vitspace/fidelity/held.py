"""How far estimates of top-1 are off over a group of published networks that were left out of the table."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from vitspace.accuracy.judging import Held

HEADINGS = ("estimate", "networks", "left out", "number", "error", "largest", "bias", "low", "tau", "inside 90 %")


@dataclass(frozen=True)
class HeldErrors:
    """Errors over a group of networks, in points of top-1.

    Attributes:
        networks: anchors or public.
        left_out: What was left out of the table for each: its family, or itself.
        number: How many networks.
        mae: Mean absolute error.
        largest: Largest absolute error.
        bias: Mean of estimate less published top-1.
        low: How many are estimated low.
        tau: Kendall's tau of estimates and published top-1.
        coverage90: Share in their 90 % interval.
    """

    networks: str
    left_out: str
    number: int
    mae: float
    largest: float
    bias: float
    low: int
    tau: float
    coverage90: float

    @classmethod
    def of(cls, networks: str, left_out: str, held: Held) -> Self:
        """Count the errors of networks."""
        sizes, low = np.abs(held.errors), int((held.errors < 0).sum())
        rest = (held.mae, float(sizes.max()), held.bias, low, held.tau, held.coverage90)
        return cls(networks, left_out, len(held.names), *rest)

    def cells(self, estimate: str) -> tuple[str, ...]:
        """Return a line of the table `HEADINGS`."""
        errors = (f"{self.mae:.2f}", f"{self.largest:.1f}", f"{self.bias:+.2f}", str(self.low))
        how = (estimate, self.networks, self.left_out, str(self.number))
        return (*how, *errors, f"{self.tau:.3f}", f"{self.coverage90:.0%}")
