"""vitspace anchors."""

from collections import Counter
from typing import Any

import typer

from vitspace.cli import command, print_json


@command
def anchors(
    family: str = typer.Option(None, help="Rows of one family, or peer."),
    role: str = typer.Option(None, help="anchor, ablation or peer."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Show the published rows beside what our networks cost."""
    from vitspace.published import published_rows

    rows = published_rows(family, role)
    if as_json:
        print_json(rows)
    else:
        _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from vitspace.costs import CONVENTION

    table = Table("id", "status", box=None, header_style="bold")
    for name in ("params M", "printed", "error", "FLOPs G", "printed", "error", "top-1", "CPU ms"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*_cells(row))
    console = Console(highlight=False)
    console.print(table)
    for row in rows:
        if row["why"]:
            console.print(f"{row['id']}: {row['why']}")
    counts = Counter(row["status"] for row in rows)
    console.print("; ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    console.print(CONVENTION)


def _cells(row: dict[str, Any]) -> list[str]:
    published = row["published"]
    return [
        row["id"],
        row["status"],
        _number(row["params"], 1e6),
        _text(published.get("params_m")),
        _percent(row["params_error"]),
        _number(row["macs"], 1e9),
        _text(published.get("gflops")),
        _percent(row["flops_error"]),
        _text(published.get("top1")),
        _text(published.get("cpu_ms")),
    ]


def _number(value: int | None, unit: float) -> str:
    return "" if value is None else f"{value / unit:.3f}"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2%}"
