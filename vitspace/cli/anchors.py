"""vitspace anchors."""

import os
import shutil
import sys
from collections import Counter, defaultdict
from typing import Any

import typer

from vitspace.about import about, all_about
from vitspace.cli import command, print_json, say
from vitspace.cli.options import JSON

HEADER = ("id", "status", "params", "paper", "error", "FLOPs", "paper", "error", "no attn", "top-1", "CPU ms")
#: Number of columns that are left out on a narrow terminal, from the last.
SPARE = 2
LEGEND = """\
params in millions, FLOPs in billions; paper: the printed value; error: ours / paper's - 1
no attn: FLOPs without attention products, as TransCNN's paper counts
reproduced: within one unit of the last printed digit, or params within {params}
and FLOPs within {flops}; -: not-applicable, as the paper prints neither value, or for a peer"""


@command
def anchors(
    family: str = typer.Option(None, help="Rows of one family, or peer."),
    role: str = typer.Option(None, help="anchor, ablation or peer."),
    as_json: bool = JSON,
) -> None:
    """Show the published rows beside the costs of our networks."""
    from vitspace.anchors.published import kept_rows
    from vitspace.units import CONVENTION

    rows = kept_rows(family, role)
    if rows is None:
        from vitspace.anchors.counting import published_rows

        rows = published_rows(family, role)
    if as_json:
        print_json(rows)
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else None
    words = [(row, row["why"] or row["caveat"]) for row in rows]
    reasons = [f"{row['id']}: {text}" for row, text in words if text]
    counts = Counter(row["status"] for row in rows)
    summary = "; ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    legend = LEGEND.format(params=_tolerances("params_tolerance"), flops=_tolerances("flops_tolerance"))
    say(*table(rows, width), "", *reasons, summary, "", legend, CONVENTION, sep="\n")


def _tolerances(name: str) -> str:
    """Write a tolerance of published rows: ``1 % (ems, transcnn 2 %)``."""
    usual, others = getattr(about(""), name), defaultdict(list)
    for family, told in all_about().items():
        others[getattr(told, name)].append(family)
    own = [f"{', '.join(families)} {100 * value:g} %" for value, families in sorted(others.items()) if value != usual]
    return f"{100 * usual:g} %" + (f" ({', '.join(own)})" if own else "")


def table(rows: list[dict[str, Any]], width: int | None = None) -> list[str]:
    """Return the lines of the table, without empty columns, and without spare columns if ``width`` is too small."""
    columns = [c for c in zip(HEADER, *map(_cells, rows), strict=True) if any(c[1:]) or not rows]
    for spare in range(SPARE + 1):
        lines = _justified(columns[: len(columns) - spare])
        if width is None or max(map(len, lines)) <= width:
            break
    return lines


def _justified(columns: list[tuple[str, ...]]) -> list[str]:
    padded = []
    for i, column in enumerate(columns):
        width = max(map(len, column))
        padded.append([cell.ljust(width) if i < 2 else cell.rjust(width) for cell in column])
    return [" ".join(line).rstrip() for line in zip(*padded, strict=True)]


def _cells(row: dict[str, Any]) -> list[str]:
    published = row["published"]
    return [
        row["id"],
        "-" if row["status"] == "not-applicable" else row["status"] + "*" * bool(row["caveat"]),
        _number(row["params"], 1e6),
        _text(published["params_m"]),
        _percent(row["params_error"]),
        _number(row["macs"], 1e9),
        _text(published["gflops"]),
        _percent(row["flops_error"]),
        _number(row["macs_without_attention"], 1e9),
        _text(published["top1"]),
        _text(published["cpu_ms"]),
    ]


def _number(value: int | None, unit: float) -> str:
    return "" if value is None else f"{value / unit:.3f}"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2%}"
