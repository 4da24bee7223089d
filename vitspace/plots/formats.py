"""Tables of numbers as a reader sees them, and as Markdown."""

import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from vitspace.plots.names import readable_name
from vitspace.units import format_score
from vitspace.words import printable

Show = Callable[[Any], str]


def _fixed(digits: int) -> Show:
    return lambda value: f"{value:.{digits}f}"


def _plain(value: float) -> str:
    return f"{value:g}"


def _size(value: float | str) -> str:
    return value if isinstance(value, str) else _plain(value)


def _score(value: float) -> str:
    return format_score(value, digits=3)


def _score_change(value: float) -> str:
    return f"{'+' if value >= 0 else ''}{_score(value)}"


def _points(value: float) -> str:
    return f"{value:+.1f}"


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
    "published_task": ("published in the task", str),
    "published_top1": ("published ImageNet top-1, %", _plain),
    "prior": ("predicted without it, %", _fixed(1)),
    "prior_error": ("error of that, points", _points),
    "img_size": ("image, px", _size),
    "gflops": ("FLOPs, G", _fixed(2)),
    "params_m": ("params, M", _fixed(1)),
    "latency_ms": ("CPU latency, ms", _fixed(1)),
    "predicted_ms": ("predicted latency, ms", _fixed(1)),
    "estimate": ("estimated top-1, %", _fixed(1)),
    "score": ("proxy score", _score),
    "proxy_score": ("proxy's score", _score),
    "accuracy": ("proxy accuracy", _percent),
    "learns_far_less_than": ("learns far less than", str),
    "nearest_anchor": ("nearest anchor", readable_name),
    "flops_gap": ("FLOPs from it", _change),
    "latency_gap": ("latency from it", _change),
    "score_gap": ("score from it", _score_change),
    "top1_gap": ("top-1 from it, points", _points),
    "stands": ("stands", str),
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
    "timed_seconds": ("of them timed", _fixed(1)),
    "export_seconds": ("of these exported", _fixed(1)),
    "proxy_seconds": ("of them by the proxy", _fixed(1)),
    "training_seconds": ("of these trained", _fixed(1)),
    "validation_seconds": ("of these validated", _fixed(1)),
    "waited_seconds": ("of them waited", _fixed(1)),
    "outside": ("outside of what is known", str),
    "recipe": ("trained by", str),
    "network": ("in timm", str),
    "source": ("source", str),
    "why": ("reason", str),
}


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns worth reading, as text under their headings; columns without any value are left out."""
    shown = {}
    for column in shown_columns(frame):
        heading, show = COLUMNS[column]
        shown[heading] = [show(value) if pd.notna(value) else "" for value in frame[column]]
        if column in _SPREADS:
            spread = _SPREADS[column]
            shown[heading] = [
                text + spread(row) for text, (_, row) in zip(shown[heading], frame.iterrows(), strict=True)
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


def escaped(text: str) -> str:
    """Return a text on one line, in which Markdown sees neither HTML nor links of whoever wrote it."""
    return printable(" ".join(text.split())).replace("<", "&lt;").replace("](", "]\\(")


def fenced(text: str) -> str:
    """Return a text as a block of code, which it cannot end."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}\n{text}\n{fence}"


def _cell(value: Any) -> str:
    return escaped(str(value)).replace("|", "\\|")


def _latency(row: pd.Series) -> str:
    """The interval of the median; of studies before there was one, the 10th to the 90th percentile."""
    low, high = row.get("latency_low_ms"), row.get("latency_high_ms")
    if pd.isna(low) or pd.isna(high):
        low, high = row.get("p10_ms"), row.get("p90_ms")
    unsure = ", unsure" if pd.notna(row.get("latency_doubt")) else ""
    return f" ({low:.1f}\N{EN DASH}{high:.1f}{unsure})" if pd.notna(low) and pd.notna(high) else ""


def _deviation(column: str) -> Callable[[pd.Series], str]:
    def shown(row: pd.Series) -> str:
        return f" \N{PLUS-MINUS SIGN} {row[column]:.1f}" if pd.notna(row.get(column)) else ""

    return shown


def _gap(row: pd.Series) -> str:
    low, high = row.get("gap_low"), row.get("gap_high")
    return f" ({low:+.1f} to {high:+.1f})" if pd.notna(low) and pd.notna(high) else ""


#: What is written after a value, from other columns of its row.
_SPREADS: dict[str, Callable[[pd.Series], str]] = {
    "latency_ms": _latency,
    "predicted_ms": _latency,
    "estimate": _deviation("score_std"),
    "prior": _deviation("prior_sd"),
    "top1_gap": _gap,
}
