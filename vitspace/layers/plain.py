"""The plain graph: the network as its paper writes it, without faster ways to compute the same function.

It is what costs are counted on: on the meta device always, elsewhere inside `plain_graph`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

_forced = False


def is_plain(x: Tensor) -> bool:
    """Whether a layer handed x takes the plain graph."""
    return x.is_meta or _forced


@contextmanager
def plain_graph() -> Iterator[None]:
    """Have every layer take the plain graph; for counting, in one thread."""
    global _forced
    before, _forced = _forced, True
    try:
        yield
    finally:
        _forced = before
