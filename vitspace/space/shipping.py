"""Explores our spaces for the package, so that nobody has to; run it when a test says that what is shipped is stale.

python -m vitspace.space.shipping [SPACE ...]

It explores the spaces from nothing and writes their lattices, ``vitspace/space/explored``, one file a space, and what
was counted of their parts, ``vitspace/costs/counted``, one file a family; the same bytes for the same code.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from vitspace.costs.parts import COUNTED, remembered
from vitspace.costs.remembering import write_shipped as write_counts
from vitspace.files import data_names
from vitspace.space.loading import load_space
from vitspace.space.stored import SHIPPED
from vitspace.space.stored import write_shipped as write_lattice


def ship(names: Sequence[str]) -> list[Path]:
    """Explore spaces and write their lattices, and what was counted of their families' parts; return the files."""
    families: dict[str, None] = {}
    paths = []
    for name in names:
        space, began = load_space(name), time.process_time()
        paths.append(write_lattice(space, SHIPPED))
        families |= dict.fromkeys(space.families)
        print(f"{name}: {time.process_time() - began:.1f} s of CPU", flush=True)
    modules = [f"vitspace.families.{family}" for family in families]
    return paths + [write_counts(COUNTED, module, remembered.finder, remembered.found(module)) for module in modules]


def main() -> None:
    """Explore the spaces that the command line names, or all."""
    remembered.shipped = None
    names = sys.argv[1:] or data_names("spaces")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["VITSPACE_CACHE"] = cache
        for path in ship(names):
            print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
