"""The front as a table for the terminal, narrow enough for 80 columns."""

import pandas as pd
from rich import box
from rich.table import Table

from vitspace.plots.names import readable_name
from vitspace.report.tables import front_table
from vitspace.study.record import StudyRecord

_NUMBERS = {"gflops": ("FLOPs G", ".2f"), "params_m": ("M params", ".1f"), "latency_ms": ("ms", ".1f")}


def terminal_table(record: StudyRecord) -> Table:
    """Return the front, each design with how it differs from the anchor nearest to it; anchors are starred."""
    frame = front_table(record)
    caption = "from the nearest anchor: change of FLOPs, of ms, of score" if frame["flops_gap"].notna().any() else None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    rows = [_cells(row) for row in frame.to_dict("records")]
    for place, heading in enumerate(("#", "design", *(text for text, _ in _NUMBERS.values()), "score")):
        width = max(len(text) for text in (heading, *(row[place] for row in rows)))
        table.add_column(heading, justify="left" if heading == "design" else "right", no_wrap=True, min_width=width)
    # What is too long for a narrow terminal goes on in the next line.
    table.add_column("from the anchor", overflow="fold")
    for row in rows:
        table.add_row(*row, style="bold" if "★" in row[1] else "")
    return table


def _cells(row: dict) -> list[str]:
    numbers = [format(row[name], digits) for name, (_, digits) in _NUMBERS.items()]
    name = f"{row['name']} ★" if isinstance(row["anchor"], str) else row["name"]
    return [str(row["number"]), name, *numbers, f"{row['score']:.3f}", _gap(row)]


def _gap(row: dict) -> str:
    if pd.isna(row["flops_gap"]):
        return ""
    anchor = readable_name(row["nearest_anchor"])
    return f"{anchor} {row['flops_gap']:+.0%} {row['latency_gap']:+.0%} {row['score_gap']:+.2f}"
