"""The front as a table for the terminal."""

from rich import box
from rich.table import Table

from vitspace.report.formats import is_number, readable
from vitspace.report.tables import front_table
from vitspace.study.record import StudyRecord

_COLUMNS = ["number", "name", "gflops", "params_m", "latency_ms", "score"]
_GAPS = ["nearest_anchor", "flops_gap", "latency_gap", "score_gap"]


def terminal_table(record: StudyRecord) -> Table:
    """Return the front, each design with how it differs from the anchor nearest to it; anchors are starred."""
    frame = front_table(record)
    shown = readable(frame[[*_COLUMNS, *_GAPS]])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in shown.columns:
        table.add_column(column, justify="right" if is_number(column) else "left", no_wrap=column == "design")
    for anchor, row in zip(frame["anchor"], shown.itertuples(index=False), strict=True):
        cells = list(row)
        if isinstance(anchor, str):
            cells[1] += " ★"
        table.add_row(*cells, style="bold" if isinstance(anchor, str) else None)
    return table
