"""Timing designs of all spaces, for the table that ships with the package.

python -m vitspace.profile.prior [--backend eager] [--designs 14] [--host NAME] [--out vitspace/latency/timed.csv]

Takes some seconds a design, with a back end that exports half a minute. A stopped run goes on where it was. The rows of
this back end and host are made anew; those of others stay. A host is named after its CPU; ``--host`` adds what it is
held to, such as older instructions by ``ONEDNN_MAX_CPU_ISA``.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, zip_longest
from pathlib import Path

import vitspace.latency
from vitspace.budget import Budget
from vitspace.files import data_names
from vitspace.latency import LatencySettings, measure
from vitspace.latency.table import FILE, read_rows, write_rows
from vitspace.latency.timed import TimedDesign
from vitspace.machine.host import cpu
from vitspace.profile.measurements import adds_designs, anchors_within
from vitspace.space import load_space
from vitspace.spec import Spec

#: Multiply-adds of designs that are drawn; anchors are at most as large.
DRAWN = "0.2G..5G"


def designs(per_space: int, seed: int = 0) -> Iterator[Spec]:
    """Yield the anchors and drawn designs of each family and of mixtures in turn, drawn evenly over multiply-adds."""
    limit = Budget.parse(DRAWN)
    columns = []
    for space in (load_space(name) for name in data_names("spaces")):
        if adds_designs(space):
            anchors = anchors_within(space, Budget.parse(f"..{DRAWN.partition('..')[2]}"))
            columns.append([*space.draw(per_space, limit, seed, exclude=set(anchors), balanced=True), *anchors])
    yield from dict.fromkeys(spec for spec in chain.from_iterable(zip_longest(*columns)) if spec is not None)


def timed(specs: Sequence[Spec], settings: LatencySettings, host: str) -> Iterator[TimedDesign]:
    """Time designs."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    for spec in specs:
        latency = measure(spec, settings, again=False)
        yield replace(TimedDesign.of(spec, latency, settings.img_size), host=host, date=date)


def make(settings: LatencySettings, per_space: int, host: str, out: Path) -> list[TimedDesign]:
    """Write the table anew, with this host's rows of a back end timed now, and return those."""
    specs, made = list(designs(per_space)), []
    for row in timed(specs, settings, host):
        made.append(row)
        print(f"{len(made)} of {len(specs)}: {row.family} {row.ms:.1f} ms, {row.sd:.1%}", file=sys.stderr, flush=True)
    before = read_rows(out.read_text(encoding="utf-8").splitlines()) if out.exists() else []
    kept = [row for row in before if (row.backend, row.host) != (settings.backend, host)]
    write_rows(out, sorted([*kept, *made], key=lambda row: (row.backend, row.host, row.family, row.ms)))
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, and make the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="eager")
    parser.add_argument("--designs", type=int, default=14, help="drawn of each space, beside its anchors")
    parser.add_argument("--host", default="", help="what the CPU is held to")
    parser.add_argument("--out", type=Path, default=Path(vitspace.latency.__file__).with_name(FILE))
    options = parser.parse_args(arguments)
    host = ", ".join(filter(None, [f"{cpu()['cpu']} {cpu()['flags']}", options.host]))
    make(LatencySettings(options.backend), options.designs, host, options.out)


if __name__ == "__main__":
    main()
