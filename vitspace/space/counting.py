"""Counts the parts of our spaces for the package, so that nobody has to; run it when a test says that they are stale.

python -m vitspace.space.counting [SPACE ...]

It explores the spaces (all but unified, whose parts are those of the families' own) from nothing and writes
``vitspace/costs/counted``, one file a family, the same bytes for the same code.
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from vitspace.costs.parts import COUNTED, remembered
from vitspace.costs.remembering import write_shipped
from vitspace.files import data_names
from vitspace.space.exploring import explore
from vitspace.space.loading import load_space


def count(names: Sequence[str], folder: Path = COUNTED) -> list[Path]:
    """Explore spaces and write what was counted of their families' parts, beside what the files hold of this code."""
    families: dict[str, None] = {}
    for name in names:
        space, began = load_space(name), time.process_time()
        explore(space)
        families |= dict.fromkeys(space.families)
        print(f"{name}: {time.process_time() - began:.1f} s of CPU", flush=True)
    modules = [f"vitspace.families.{family}" for family in families]
    return [write_shipped(folder, module, remembered.finder, remembered.found(module)) for module in modules]


def main() -> None:
    """Count the spaces that the command line names, or all."""
    names = sys.argv[1:] or [name for name in data_names("spaces") if name != "unified"]
    with tempfile.TemporaryDirectory() as cache:
        os.environ["VITSPACE_CACHE"] = cache
        for path in count(names):
            print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
