"""CPU seconds of exploring a space from an empty cache, with and without the lattices and counts that are shipped.

python tests/bench/exploring.py [SPACE ...] [--before CHECKOUT] [--out reports/bench/exploring.csv]

Every space is explored in a process of its own, with `VITSPACE_CACHE` empty: by this code as it is installed
(`shipped_s`), by this code when it explores and counts all, as for a space of one's own (`counted_s`), and by the code
of another checkout (`before_s`). Importing the package is not counted in. `same` says whether all find the same
designs: digests of all tables of the lattice are compared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from vitspace.files import data_names

ROOT = Path(__file__).parents[2]
CODE = """
import hashlib, json, sys, time
from vitspace import load_space
from vitspace.costs import parts
if sys.argv[2] == "counted":
    from vitspace.space import stored

    parts.remembered.shipped, stored.read_shipped = None, lambda *_: None
space, began = load_space(sys.argv[1]), time.process_time()
lattice = space.lattice
seconds, digest = time.process_time() - began, hashlib.sha256(json.dumps(lattice.options).encode())
for entries in lattice.entries:
    for column in vars(entries).values():
        digest.update(column.tobytes())
print(json.dumps([seconds, lattice.size, digest.hexdigest()[:12]]))
"""


def explore(name: str, way: str, checkout: Path) -> tuple[float, int, str]:
    """Return seconds of CPU, distinct designs and a digest of the lattice, from a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"VITSPACE_CACHE": cache, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", CODE, name, way]
        done = subprocess.run(command, env=environment, cwd=cache, check=True, stdout=subprocess.PIPE, text=True)
    seconds, size, digest = json.loads(done.stdout)
    return seconds, size, digest


def main() -> None:
    """Explore, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spaces", nargs="*", default=data_names("spaces"))
    parser.add_argument("--before", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    for name in options.spaces:
        shipped, size, digest = explore(name, "shipped", ROOT)
        counted, _, again = explore(name, "counted", ROOT)
        row = {"space": name, "designs": size, "shipped_s": round(shipped, 1), "counted_s": round(counted, 1)}
        same = digest == again
        if options.before:
            before, _, other = explore(name, "before", options.before.resolve())
            row["before_s"], same = round(before, 1), same and digest == other
        rows.append(row | {"same": same})
        print(rows[-1], flush=True)
    if options.out:
        pd.DataFrame(rows).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
