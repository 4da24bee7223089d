"""Tables of numbers as a reader sees them, and as Markdown."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from vitspace.plots.names import readable_name
from vitspace.units import format_score

Show = Callable[[Any], str]


def _fixed(digits: int) -> Show:
    return lambda value: f"{value:.{digits}f}"


def _plain(value: float) -> str:
    return f"{value:g}"


def _score(value: float) -> str:
    return format_score(value, digits=3)


def _score_change(value: float) -> str:
    return f"{'+' if value >= 0 else ''}{_score(value)}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _change(value: float) -> str:
    return f"{100 * value:+.0f} %"


#: Column -> its heading and how a value is written. Columns without an entry are not shown.
COLUMNS: dict[str, tuple[str, Show]] = {
    "study": ("study", str),
    "engine": ("engine", str),
    "sampler": ("sampler", str),
    "number": ("trial", _plain),
    "name": ("design", str),
    "family": ("family", str),
    "dim": ("dim", str),
    "depth": ("depth", str),
    "settings": ("what differs", str),
    "published_gflops": ("published FLOPs, G", _plain),
    "published_params_m": ("published params, M", _plain),
    "published_top1": ("published ImageNet top-1, %", _plain),
    "gflops": ("FLOPs, G", _fixed(2)),
    "params_m": ("params, M", _fixed(1)),
    "latency_ms": ("CPU latency, ms", _fixed(1)),
    "score": ("proxy score", _score),
    "accuracy": ("proxy accuracy", _percent),
    "nearest_anchor": ("nearest anchor", readable_name),
    "flops_gap": ("FLOPs from it", _change),
    "latency_gap": ("latency from it", _change),
    "score_gap": ("score from it", _score_change),
    "against_anchor": ("against the nearest anchor", str),
    "standing": ("standing", str),
    "quantity": ("quantity", str),
    "value": ("value", _fixed(3)),
    "note": ("note", str),
    "state": ("state", str),
    "trials": ("trials", _plain),
    "on_front": ("on the front", _plain),
    "hypervolume": ("hypervolume", _fixed(4)),
    "common_hypervolume": ("common hypervolume", _fixed(4)),
    "share": ("share of all trials", _percent),
    "example": ("the first one's reason", str),
    "seconds": ("seconds", _fixed(1)),
    "why": ("reason", str),
}


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns worth reading, as text under their headings; columns without any value are left out."""
    shown = {}
    for column in shown_columns(frame):
        heading, show = COLUMNS[column]
        shown[heading] = [show(value) if pd.notna(value) else "" for value in frame[column]]
        if column == "latency_ms" and "p10_ms" in frame:
            shown[heading] = [
                text + _interval(row) for text, (_, row) in zip(shown[heading], frame.iterrows(), strict=True)
            ]
    return pd.DataFrame(shown, dtype=str)


def shown_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns that `readable` shows, in its order."""
    return [name for name in COLUMNS if name in frame and (frame[name].notna().any() or frame.empty)]


def is_number(column: str) -> bool:
    """Whether a heading of `readable` stands over numbers, which are set to the right."""
    return any(column == heading and show not in (str, readable_name) for heading, show in COLUMNS.values())


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame of text as a Markdown table."""
    rules = ["---:" if is_number(column) else "---" for column in frame.columns]
    rows = [list(frame.columns), rules, *frame.to_numpy().tolist()]
    return "".join(f"| {' | '.join(_cell(value) for value in row)} |\n" for row in rows)


def _cell(value: Any) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def _interval(row: pd.Series) -> str:
    low, high = row.get("p10_ms"), row.get("p90_ms")
    unsure = ", unsure" if pd.notna(row.get("latency_doubt")) else ""
    return f" ({low:.1f}\N{EN DASH}{high:.1f}{unsure})" if pd.notna(low) and pd.notna(high) else ""
