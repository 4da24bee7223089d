"""Latency from what is counted: its error on designs held out, before and after some are timed on a host.

python tests/bench/counted_latency.py [--table vitspace/latency/timed.csv] [--out reports/bench/counted_latency.csv]

Each host of the table in turn is new: its designs are predicted from the other hosts' alone, after the smallest anchor
of each family is timed there, after all anchors, and after all anchors and half of the other designs. Predicted are the
designs that were not timed, and each is left out of the other hosts' designs as well. Then the designs of each host are
predicted from its other designs, and from its other families.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import vitspace.latency
from vitspace.latency.acquainting import probes
from vitspace.latency.counted import SCALES, CountedLatency
from vitspace.latency.table import FILE, read_rows
from vitspace.latency.timed import TimedDesign
from vitspace.machine.host import machine

FOLDS = 10


def predicted(known: Sequence[TimedDesign], own: Sequence[TimedDesign], asked: Sequence[TimedDesign]) -> pd.DataFrame:
    """Predict designs, those that are asked left out of the other hosts' in folds."""
    rows = []
    reference_ms = float(np.median([row.reference_ms for row in asked]))
    order = np.random.default_rng(0).permutation(len(asked))
    for fold in np.array_split(order, min(FOLDS, len(order))):
        some = [asked[i] for i in fold]
        left = [row for row in known if row.spec_id not in {each.spec_id for each in some}]
        model = CountedLatency(left, own, reference_ms, SCALES[asked[0].backend])
        found = model.predict(np.array([row.counted for row in some]), [row.family for row in some])
        for row, ms in zip(some, found, strict=True):
            actual = row.ms * reference_ms / row.reference_ms
            rows.append((row.family, ms / actual - 1, model.error, model.error90))
    return pd.DataFrame(rows, columns=["family", "error", "stated80", "stated90"])


def stages(rows: Sequence[TimedDesign], host: str) -> Iterator[tuple[str, list[TimedDesign], list[TimedDesign]]]:
    """Yield what is timed on a new host so far: (words, those that are timed, those that are predicted)."""
    here = [row for row in rows if row.host == host]
    anchors = {spec.id: None for spec in probes(224)}
    order = [row for spec_id in anchors for row in here if row.spec_id == spec_id]
    drawn = [row for row in here if row.spec_id not in anchors]
    half = [drawn[i] for i in np.random.default_rng(1).permutation(len(drawn))[: len(drawn) // 2]]
    for words, own in (
        ("nothing", []),
        ("6 anchors", order[:6]),
        ("13 anchors", order[:13]),
        ("all anchors", order),
        ("anchors and half of the others", order + half),
    ):
        if own or words == "nothing":
            yield words, own, [row for row in drawn if row not in own]


def summary(found: pd.DataFrame, **facts: object) -> dict:
    """Return a line of the table."""
    off = found["error"].abs()
    return facts | {
        "designs": len(found),
        "within_10": (off <= 0.10).mean(),
        "within_15": (off <= 0.15).mean(),
        "error80": off.quantile(0.8),
        "error90": off.quantile(0.9),
        "stated80": found["stated80"].mean(),
        "stated90": found["stated90"].mean(),
        "held80": (off <= found["stated80"]).mean(),
        "held90": (off <= found["stated90"]).mean(),
        "bias": found["error"].median(),
    }


def lines(rows: Sequence[TimedDesign], backend: str) -> Iterator[dict]:
    """Yield the lines of a back end."""
    rows = [row for row in rows if row.backend == backend]
    hosts = sorted({row.host for row in rows})
    for host in hosts:
        others = [row for row in rows if row.host != host]
        for words, own, asked in stages(rows, host) if others else ():
            yield summary(predicted(others, own, asked), backend=backend, host=host, timed=words, left_out="host")
        mine = [row for row in rows if row.host == host]
        found = predicted(mine, mine[:0], mine)
        yield summary(found, backend=backend, host=host, timed="", left_out="designs")
        parts = []
        for family in sorted({row.family for row in mine}):
            asked = [row for row in mine if row.family == family]
            parts.append(predicted([row for row in mine if row.family != family], [], asked))
            yield summary(parts[-1], backend=backend, host=host, timed="", left_out=family)
        yield summary(pd.concat(parts), backend=backend, host=host, timed="", left_out="families")


def speed(rows: Sequence[TimedDesign], backend: str, count: int = 100_000) -> float:
    """Return designs predicted a second of processor time."""
    some = [row for row in rows if row.backend == backend]
    model = CountedLatency(some, some, 50.0, SCALES[backend])
    counted = np.resize(np.array([row.counted for row in some]), (count, len(some[0].counted)))
    families = np.resize(np.array([row.family for row in some]), count)
    began = time.process_time()
    model.predict(counted, families)
    return count / (time.process_time() - began)


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=Path(vitspace.latency.__file__).with_name(FILE))
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = read_rows(args.table.read_text().splitlines())
    print(" ".join(f"{key}={value}" for key, value in machine().items()))
    backends = sorted({row.backend for row in rows})
    frame = pd.DataFrame([line for backend in backends for line in lines(rows, backend)]).round(3)
    print(frame.to_string(index=False))
    for backend in backends:
        print(f"{backend}: {speed(rows, backend):,.0f} designs a second of processor time")
    if args.out:
        frame.to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
