"""Progress of long loops: the caller passes a function that shows it."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Passes items on one by one, and may show how many are done; ``rich.progress.track`` is one."""

    def __call__(self, items: Iterable[T], description: str) -> Iterable[T]:
        """Return the items; ``description`` says what is done with them."""


def untracked(items: Iterable[T], description: str) -> Iterable[T]:
    """Return the items, and show nothing."""
    return items
