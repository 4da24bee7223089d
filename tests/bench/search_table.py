"""Scores every design of a small space once, for `search.py`, whose samplers then look their trials up.

nice -n 19 python tests/bench/search_table.py score mat_small --proxy expressivity --work mat_small.csv
nice -n 19 python tests/bench/search_table.py score transcnn_small --proxy naswot --work transcnn_small.csv
python tests/bench/search_table.py write mat_small --work mat_small.csv

`score` takes up to an hour, and goes on with what is in --work. `write` adds costs and latency, and leaves the table
in tests/bench/data. Scores are measured on small images, at random weights of seed 0, since a design may cost 0.1 s.
Latency is modelled, not measured: the design's operations at 224 pixels at the rates below.
"""

import argparse
import csv
import gzip
import io
from pathlib import Path

import torch

from vitspace import load_space
from vitspace.costs import cost
from vitspace.latency.recorder import WORK
from vitspace.latency.work import work
from vitspace.proxies.scores import Settings, Subject, measure

DATA = Path(__file__).parent / "data"
#: A second's multiply-adds, elements read or written, and operations started.
MACS, ELEMENTS, OPERATIONS = 40e9, 4e9, 2e5
#: Side of the images and how many, by score.
IMAGES = {"expressivity": (64, 2), "naswot": (32, 8)}


def designs(name):
    """All designs of a space, by id."""
    space = load_space(str(DATA / f"{name}.yaml"))
    return space, sorted(space.draw(space.size()), key=lambda spec: spec.id)


def score(name, proxy, work):
    """Score what is not scored yet, and append it to a file."""
    torch.set_num_threads(1)
    space, specs = designs(name)
    done = {row[0] for row in csv.reader(work.open())} if work.exists() else set()
    img_size, batch_size = IMAGES[proxy]
    settings = Settings(img_size=img_size, batch_size=batch_size)
    with work.open("a", buffering=1) as file:
        for count, spec in enumerate(specs):
            if spec.id not in done:
                value = measure(Subject.of_spec(spec, space.resolution), [proxy], settings).values[proxy]
                file.write(f"{spec.id},{value!r}\n")
            if count % 100 == 0:
                print(f"{count} of {len(specs)}", flush=True)


def modelled_ms(spec):
    """Milliseconds by the work of a design's operations at fixed rates, about those of one core with AVX-512."""
    amounts = dict(zip(WORK, work(spec), strict=True))
    seconds = 0.0
    for name, amount in amounts.items():
        what = name.split()[-1]
        rate = OPERATIONS if what in ("count", "views") else MACS if what == "macs" else ELEMENTS
        seconds += amount / rate if what not in ("problems", "scores") else 0.0
    return 1e3 * seconds


def write(name, path):
    """Write the table of a space whose designs are all scored."""
    space, specs = designs(name)
    scores = {row[0]: float(row[1]) for row in csv.reader(path.open())}
    out = DATA / f"{name}.csv.gz"
    with gzip.GzipFile(out, "wb", mtime=0) as packed, io.TextIOWrapper(packed, newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["spec", "params", "macs", "latency_ms", "score"])
        for spec in specs:
            costs = cost(spec, space.resolution)
            ms = modelled_ms(spec)
            rows.writerow([spec.id, costs.params, costs.macs, f"{ms:.4f}", f"{scores[spec.id]:.6g}"])
    print(f"{out}: {len(specs)} designs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["score", "write"])
    parser.add_argument("space")
    parser.add_argument("--proxy", choices=IMAGES)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    if options.what == "score":
        score(options.space, options.proxy, options.work)
    else:
        write(options.space, options.work)


if __name__ == "__main__":
    main()
