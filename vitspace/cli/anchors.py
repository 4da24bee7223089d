"""vitspace anchors."""

import os
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import typer

from vitspace.about import about, all_about
from vitspace.cli import command, print_json, say
from vitspace.cli.options import JSON
from vitspace.tasks.heads import CLASSIFICATION, check_task
from vitspace.units import CONVENTION

HEADER = ("id", "status", "params", "paper", "error", "FLOPs", "paper", "error", "no attn", "top-1", "CPU ms")
#: Number of columns that are left out on a narrow terminal, from the last.
SPARE = 2
LEGEND = """\
params in millions, FLOPs in billions; paper: the printed value; error: ours / paper's - 1
no attn: FLOPs without attention products, as TransCNN's paper counts
reproduced: within one unit of the last printed digit, or params within {params}
and FLOPs within {flops}; -: not-applicable, as the paper prints neither value, or for a peer"""


DENSE_HEADER = ("id", "status", "size", "params", "paper", "error", "no attn", "paper", "error", "FLOPs", "printed")
DENSE_LEGEND = """\
size: height x width, * where the paper prints none beside the row; params in millions, FLOPs in billions
paper: the printed value; error: ours / paper's - 1; printed: the paper's mIoU or AP
reproduced: params within {params:.0%} and FLOPs without attention products (no attn) within {flops:.0%},
or one unit of the last printed digit, where the row says how far it is off
the toolboxes of these tables count modules, so that attention products are left out; detectors of two steps are
counted with 1,000 proposals and 100 masks"""


@command
def anchors(
    family: str = typer.Option(None, help="Rows of one family, or peer."),
    role: str = typer.Option(None, help="Rows of one role: anchor, ablation or peer; dense tasks have no ablations."),
    task: str = typer.Option(CLASSIFICATION, help="classification, or a dense task such as semantic-fpn."),
    as_json: bool = JSON,
) -> None:
    """Show the published rows beside the costs of our networks."""
    check_task(task)
    if task == CLASSIFICATION:
        _of_classification(family, role, as_json)
    else:
        _of_dense_task(task, family, role, as_json)


def _of_classification(family: str | None, role: str | None, as_json: bool) -> None:
    from vitspace.anchors.published import kept_rows

    rows = kept_rows(family, role)
    if rows is None:
        from vitspace.anchors.counting import published_rows

        rows = published_rows(family, role)
    if as_json:
        print_json(rows)
        return
    words = [(row, row["why"] or row["caveat"]) for row in rows]
    reasons = [f"{row['id']}: {text}" for row, text in words if text]
    legend = LEGEND.format(params=_tolerances("params_tolerance"), flops=_tolerances("flops_tolerance"))
    say(*table(rows, _width()), "", *reasons, _summary(rows), "", legend, CONVENTION, sep="\n")


def _of_dense_task(task: str, family: str | None, role: str | None, as_json: bool) -> None:
    from vitspace.tasks.carrying import lines as carried
    from vitspace.tasks.published import FLOPS_TOLERANCE, PARAMS_TOLERANCE, published_rows

    rows = published_rows(task, family, role)
    if as_json:
        print_json(rows)
        return
    reasons = [f"{row['id']}: {text}" for row in rows for text in (row["why"], row["note"]) if text]
    legend = DENSE_LEGEND.format(params=PARAMS_TOLERANCE, flops=FLOPS_TOLERANCE)
    lines = _lines(DENSE_HEADER, map(_dense_cells, rows), _width())
    top1 = [f"top-1: {line.words}" for line in carried(task)]
    say(*lines, "", *reasons, _summary(rows), *top1, "", legend, CONVENTION, sep="\n")


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else None


def _summary(rows: list[dict[str, Any]]) -> str:
    counts = Counter(row["status"] for row in rows)
    return "; ".join(f"{count} {status}" for status, count in sorted(counts.items()))


def _tolerances(name: str) -> str:
    """Write a tolerance of published rows: ``1 % (ems, transcnn 2 %)``."""
    usual, others = getattr(about(""), name), defaultdict(list)
    for family, told in all_about().items():
        others[getattr(told, name)].append(family)
    own = [f"{', '.join(families)} {100 * value:g} %" for value, families in sorted(others.items()) if value != usual]
    return f"{100 * usual:g} %" + (f" ({', '.join(own)})" if own else "")


def table(rows: list[dict[str, Any]], width: int | None = None) -> list[str]:
    """Return the lines of the table, without empty columns, and without spare columns if ``width`` is too small."""
    return _lines(HEADER, map(_cells, rows), width)


def _lines(header: tuple[str, ...], cells: Iterable[list[str]], width: int | None) -> list[str]:
    columns = list(zip(header, *cells, strict=True))
    columns = [column for column in columns if any(column[1:]) or len(column) == 1]
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


def _dense_cells(row: dict[str, Any]) -> list[str]:
    published = row["published"]
    return [
        row["id"],
        row["status"],
        f"{row['img_size'][0]}x{row['img_size'][1]}" + "*" * (not row["size_printed"]),
        _number(row["params"], 1e6),
        _text(published["params_m"]),
        _percent(row["params_error"]),
        _number(row["macs_without_attention"], 1e9),
        _text(published["gflops"]),
        _percent(row["flops_error_without_attention"]),
        _number(row["macs"], 1e9),
        row["printed"],
    ]


def _number(value: int | None, unit: float) -> str:
    return "" if value is None else f"{value / unit:.3f}"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2%}"
