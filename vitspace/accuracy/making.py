"""Making the table of published networks, from timm's results file and timm's own architectures.

python -m vitspace.accuracy.making results-imagenet.csv --source "NAME OF THE FILE AND ITS COMMIT" [--out published.csv]

The results file is timm's ``results/results-imagenet.csv``, with the columns model, img_size and top1. Each network is
built on the meta device and counted at the size that it was trained at; a stopped run goes on where it was. Our own
anchors are added at the end. The file that is shipped came from github huggingface/pytorch-image-models,
results/results-imagenet.csv, at commit aa4b5850c1543fa488abf260f18390eda46cf85d; five families of it are left out, kept
for a check.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import timm

from vitspace.accuracy.recipes import DISTILLED, LEFT_OUT, USUAL, recipe_of
from vitspace.accuracy.table import FILE, Row, read_rows, write_rows
from vitspace.anchors import Anchor
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost
from vitspace.costs.counter import count_network, on_meta

SOURCE = "timm results-imagenet.csv @aa4b585"
#: Networks that compare with ours.
TRAIN_SIZES = (160, 300)
PARAMS = (0.5e6, 350e6)
LOWEST_TOP1 = 45.0
#: How much larger or smaller images may be at the test than in training.
TEST_SIZE_RATIO = 1.15
#: timm's families that take images of any shape, whose one pass at a size says little.
_FAMILIES_LEFT_OUT = ("naflexvit",)


def chosen(results: Iterable[dict[str, str]]) -> list[tuple[str, int, int, float]]:
    """Return (name, training size, test size, top-1) of the networks that compare, each at about its training size."""
    nearest: dict[str, tuple[str, int, int, float]] = {}
    for result in results:
        name, size = result["model"], int(float(result["img_size"]))
        config = timm.get_pretrained_cfg(name)
        if config is None or recipe_of(name) in LEFT_OUT or family_of(name) in _FAMILIES_LEFT_OUT:
            continue
        row = (name, int(config.input_size[-1]), size, float(result["top1"]))
        if _compares(*row[1:]) and (name not in nearest or _gap(row) < _gap(nearest[name])):
            nearest[name] = row
    return sorted(nearest.values())


def count(name: str, train_size: int, img_size: int, top1: float, source: str) -> Row | None:
    """Count one of timm's networks; None where it is too small or too large."""
    with on_meta():
        network = timm.create_model(name.partition(".")[0])
    found = count_network(network, 3, train_size, train_size)
    if not PARAMS[0] < found.params < PARAMS[1]:
        return None
    return Row(name, family_of(name), source, recipe_of(name), train_size, img_size, top1, found)


def family_of(name: str) -> str:
    """Return timm's source file that defines a network."""
    return timm.models.model_entrypoint(name.partition(".")[0]).__module__.rpartition(".")[2]


def anchor_rows() -> list[Row]:
    """Return our main anchors as rows."""
    return [_anchor_row(anchor) for anchor in main_anchors()]


def _anchor_row(anchor: Anchor) -> Row:
    assert anchor.spec is not None
    size = anchor.resolution
    recipe = DISTILLED if "distillation" in anchor.note else USUAL
    top1 = anchor.published["top1"]
    return Row(anchor.id, anchor.family, anchor.source, recipe, size, size, top1, cost(anchor.spec, size))


def _compares(train_size: int, img_size: int, top1: float) -> bool:
    near = 1 / TEST_SIZE_RATIO < img_size / train_size < TEST_SIZE_RATIO
    return near and TRAIN_SIZES[0] <= train_size <= TRAIN_SIZES[1] and top1 > LOWEST_TOP1


def _gap(row: tuple[str, int, int, float]) -> tuple[int, int]:
    return abs(row[2] - row[1]), row[2]


def make(results: Path, out: Path, source: str = SOURCE) -> None:
    """Write the table; rows that it has already are not counted again."""
    with results.open(encoding="utf-8") as file:
        wanted = chosen(csv.DictReader(file))
    known = {row.name: row for row in read_rows(out.read_text(encoding="utf-8").splitlines())} if out.exists() else {}
    rows: list[Row] = []
    for number, (name, train_size, img_size, top1) in enumerate(wanted, start=1):
        row = known.get(name) or count(name, train_size, img_size, top1, source)
        rows += [row] if row else []
        if number % 50 == 0 or number == len(wanted):
            left = [known[name] for name, *_ in wanted[number:] if name in known]
            write_rows(out, [*rows, *left])
            print(f"{number} of {len(wanted)} networks", file=sys.stderr, flush=True)
    write_rows(out, [*rows, *anchor_rows()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, and make the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="timm's results file")
    parser.add_argument("--source", default=SOURCE, help="what to call it in the table, with its commit")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(FILE))
    options = parser.parse_args(arguments)
    make(options.results, options.out, options.source)


if __name__ == "__main__":
    main()
