"""The front as a table for the terminal, narrow enough for 80 columns."""

import pandas as pd
from rich import box
from rich.table import Table

from vitspace.report.names import readable_name
from vitspace.report.tables import front_table
from vitspace.study.record import StudyRecord

_NUMBERS = {"gflops": ("FLOPs G", ".2f"), "params_m": ("M params", ".1f"), "latency_ms": ("ms", ".1f")}


def terminal_table(record: StudyRecord) -> Table:
    """Return the front, each design with how it differs from the anchor nearest to it; anchors are starred."""
    frame = front_table(record)
    caption = "from the nearest anchor: change of FLOPs, of ms, of score" if frame["flops_gap"].notna().any() else None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("design", no_wrap=True)
    for heading, _ in (*_NUMBERS.values(), ("score", "")):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("from the anchor", no_wrap=True)
    for row in frame.to_dict("records"):
        star = isinstance(row["anchor"], str)
        numbers = [format(row[name], digits) for name, (_, digits) in _NUMBERS.items()]
        name = f"{row['name']} ★" if star else row["name"]
        table.add_row(
            str(row["number"]), name, *numbers, f"{row['score']:.3f}", _gap(row), style="bold" if star else ""
        )
    return table


def _gap(row: dict) -> str:
    if pd.isna(row["flops_gap"]):
        return ""
    anchor = readable_name(row["nearest_anchor"])
    return f"{anchor} {row['flops_gap']:+.0%} {row['latency_gap']:+.0%} {row['score_gap']:+.2f}"
