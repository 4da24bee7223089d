"""Training losses of a training proxy, from which its order of designs after any number of steps is drawn."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd

from vitspace import cache
from vitspace.files import write_atomic
from vitspace.proxies.score_tables import ScoreRow, local_key

FILE = "curves.csv"
#: Points of a stored curve, each the mean over an equal part of the steps.
POINTS = 20
_KIND = "training curves"
_IDENTITY = ["proxy", "spec", "name", "seed"]


def keep_curve(row: ScoreRow, curve: Sequence[tuple[int, float]]) -> None:
    """Store a training's curve, (step, loss) of every step, on this machine, reduced to `POINTS` points."""
    if curve:
        cache.store(_KIND, {local_key(row): {"points": _thinned(curve)}})


def write_curves(folder: Path, rows: Iterable[ScoreRow]) -> None:
    """Write the stored curves of trainings as ``curves.csv``; curves of other trainings in the file stay.

    Columns: proxy, spec, name, seed, step, loss. The loss is the mean training loss, as optimised, from the previous
    point's step to this one.
    """
    known, lines = cache.load(_KIND), []
    for row in rows:
        identity = {name: getattr(row, name) for name in _IDENTITY}
        points = known.get(local_key(row), {}).get("points", [])
        lines += [identity | {"step": step, "loss": round(loss, 4)} for step, loss in points]
    if not lines:
        return
    path, table = folder / FILE, pd.DataFrame(lines)
    if path.exists():
        old = pd.read_csv(path)
        known_already = old.set_index(_IDENTITY).index.isin(table.set_index(_IDENTITY).index)
        table = pd.concat([old[~known_already], table])
    table = table.sort_values(["proxy", "seed", "name", "step"], kind="stable")
    write_atomic(path, table.to_csv(index=False, lineterminator="\n"))


def _thinned(curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    edges = sorted({round(len(curve) * part / POINTS) for part in range(POINTS + 1)})
    parts = [curve[start:end] for start, end in pairwise(edges)]
    return [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in parts]
