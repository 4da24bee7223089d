"""How far exploring a space is."""

import logging
import time
from collections.abc import Sequence
from typing import Self

_log = logging.getLogger(__name__)

#: Seconds between lines of progress.
SAY_EVERY = 5.0


class Progress:
    """Says now and then which share of a space is explored, and about how long the rest takes.

    Args:
        name: The space's.
        weights: About how much work each step is, in any unit.
    """

    def __init__(self, name: str, weights: Sequence[int]) -> None:
        self.name, self.weights = name, weights
        self._began = self._said = time.monotonic()
        self._low = self._high = 0.0

    def within(self, step: int, number: int, of: int) -> Self:
        """Go on to one of several equal parts of a step."""
        share = self.weights[step] / sum(self.weights)
        start = sum(self.weights[:step]) / sum(self.weights)
        self._low, self._high = start + share * number / of, start + share * (number + 1) / of
        return self

    def tell(self, done: int, of: int) -> None:
        """Say how far that is, if nothing was said for `SAY_EVERY` seconds."""
        now = time.monotonic()
        if now - self._said < SAY_EVERY:
            return
        self._said = now
        share = self._low + (self._high - self._low) * done / of
        left = "" if share < 0.01 else f", about {(now - self._began) * (1 - share) / share:.0f} s left"
        _log.info("exploring space %s, once: %.0f %% done%s", self.name, 100 * share, left)
