"""The front as a table for the terminal, narrow enough for 80 columns."""

import pandas as pd
from rich import box
from rich.table import Table

from vitspace.measured import REFERENCE
from vitspace.plots.names import readable_name
from vitspace.report.gaps import signed
from vitspace.report.points import plus_minus
from vitspace.report.tables import front_table
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord

_NUMBERS = {"gflops": ("FLOPs G", ".2f"), "params_m": ("M params", ".1f"), "latency_ms": ("ms", ".1f")}


def terminal_table(record: StudyRecord) -> Table:
    """Return the front, each design with how it differs from the anchor nearest to it; anchors are starred."""
    frame, what = front_table(record), "top-1" if record.in_points else "score"
    known = frame["flops_gap"].notna().any()
    notes = [f"from the nearest anchor: change of FLOPs, of ms, of {what}"] if known else []
    if len(usual := {trial.latency.get("usual_ms") for trial in record.front}) == 1 and (speed := usual.pop()):
        notes.append(
            f"ms: where {REFERENCE} takes {speed:.1f} ms, its best here; lines of the search by its best until then"
        )
    if frame["learns_far_less_than"].notna().any():
        notes.append("!: learns far less in the short training than the published network nearest in FLOPs")
    caption = "\n".join(notes) or None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    rows = [_cells(row, record.in_points) for row in frame.to_dict("records")]
    for place, heading in enumerate(("#", "design", *(text for text, _ in _NUMBERS.values()), what)):
        width = max(len(text) for text in (heading, *(row[place] for row in rows)))
        table.add_column(heading, justify="left" if heading == "design" else "right", no_wrap=True, min_width=width)
    # What is too long for a narrow terminal goes on in the next line.
    table.add_column("from the anchor", overflow="fold")
    for row in rows:
        table.add_row(*row, style="bold" if "★" in row[1] else "")
    return table


def _cells(row: dict, in_points: bool) -> list[str]:
    numbers = [format(row[name], digits) for name, (_, digits) in _NUMBERS.items()]
    mark = " ★" if isinstance(row["anchor"], str) else " !" if isinstance(row["learns_far_less_than"], str) else ""
    score = plus_minus(row["score"], finite(row["score_std"])) if in_points else f"{row['score']:.3f}"
    return [str(row["number"]), row["name"] + mark, *numbers, score, _gap(row, in_points)]


def _gap(row: dict, in_points: bool) -> str:
    if pd.isna(row["flops_gap"]):
        return ""
    anchor = readable_name(row["nearest_anchor"])
    score = signed(row["score_gap"]) if in_points else f"{row['score_gap']:+.2f}"
    return f"{anchor} {row['flops_gap']:+.0%} {row['latency_gap']:+.0%} {score}"
