"""Model: what every combination is when fitted."""

from collections.abc import Mapping
from typing import Any, Protocol


class Model(Protocol):
    """A combination, fitted."""

    @property
    def components(self) -> tuple[str, ...]:
        """The scores it reads."""

    def predict(self, values: Mapping[str, float]) -> float:
        """Return the combined score of a design from its scores; higher is better."""

    def describe(self) -> dict[str, Any]:
        """Return its weights."""
