"""Random designs of a space that is not explored for them, which would take a large one half a minute and more."""

from collections.abc import Mapping

import numpy as np

from vitspace.space import InvalidDesign, Space
from vitspace.spec import Spec


def random_designs(space: Space, count: int, seed: int = 0, first: Mapping[str, int] | None = None) -> list[Spec]:
    """Distinct valid designs, every axis uniform over its values, or over the first so many of those in ``first``."""
    rng, found = np.random.default_rng(seed), {}
    while len(found) < count:
        try:
            params = space.choose(lambda v: v.values[rng.integers(min(len(v.values), (first or {}).get(v.field, 99)))])
            found[space.decode(params)] = None
        except InvalidDesign:
            continue
    return list(found)
