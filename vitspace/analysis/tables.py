"""Comparisons and axes as tables, for readers and as data."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pandas as pd

from vitspace.analysis.comparison import BEST_OF
from vitspace.analysis.effects import AxisEffects
from vitspace.analysis.importance import Importance
from vitspace.statistics import finite


def readable_value(value: Any) -> str:
    """Return an axis's value as text: yes or no for a bool, and 1/64 for a small fraction."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and 0 < value < 1:
        fraction = Fraction(value).limit_denominator(256)
        return str(fraction) if fraction == Fraction(value) else f"{value:g}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown_comparison(table: pd.DataFrame) -> pd.DataFrame:
    """Return `comparison_table` as text for readers, the highest median first."""
    ordered = table.sort_values("median", ascending=False, na_position="last")
    rows = [_comparison_row(row) for _, row in ordered.iterrows()]
    return pd.DataFrame(rows, dtype=str)


def _comparison_row(row: pd.Series) -> dict[str, str]:
    return {
        "space": row["space"],
        "designs within FLOPs": f"{row['designs']:,}",
        "drawn": str(row["drawn"]),
        "failed": str(row["failed"]),
        "median score": _with_interval(row, "median"),
        f"expected best of {BEST_OF}": _with_interval(row, f"best_of_{BEST_OF}"),
        "best of all": "" if pd.isna(row["best"]) else f"{row['best']:.3g}",
        "median params, M": _number(row["params_m"]),
        "median FLOPs, G": _number(row["gflops"]),
        "invalid settings": f"{100 * row['invalid_share']:.1f} %",
        "note": row["why"],
    }


def axes_table(effects: Sequence[AxisEffects], importance: Mapping[str, Importance]) -> pd.DataFrame:
    """A row for each axis, the most important first.

    ``rivals`` are values that may be as good as the preferred one; ``seen`` and ``change`` are those of `AxisEffects`.
    """
    rows = []
    for axis in most_important_first(effects, importance):
        known = importance.get(axis.axis)
        rows.append(
            {
                "axis": axis.axis,
                "designs": axis.designs,
                "fanova": known.fanova if known else None,
                "ped_anova": known.ped_anova if known else None,
                "prefers": None if axis.best is None else readable_value(axis.best),
                "resolved": axis.resolved,
                "seen": axis.seen,
                "change": axis.change,
                "rivals": ", ".join(readable_value(value) for value in axis.rivals),
                "gain": finite(axis.gain),
                "gain_low": finite(axis.gain_low),
                "gain_high": finite(axis.gain_high),
            }
        )
    return pd.DataFrame(rows)


def values_table(effects: Sequence[AxisEffects]) -> pd.DataFrame:
    """A row for each value of an axis: mean score at equal FLOPs with its 90 % bootstrap interval, and mean score."""
    rows = [
        {"axis": axis.axis, "value": readable_value(e.value), "designs": e.designs}
        | {"mean": finite(e.mean), "low": finite(e.low), "high": finite(e.high)}
        | {"score": finite(e.score)}
        for axis in effects
        for e in axis.effects
    ]
    return pd.DataFrame(rows)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as JSON holds them."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return rows


def shown_axes(table: pd.DataFrame) -> pd.DataFrame:
    """Return `axes_table` as text for readers."""
    return pd.DataFrame([_axes_row(row) for _, row in table.iterrows()], dtype=str)


def _axes_row(row: pd.Series) -> dict[str, str]:
    prefers, gain = row["prefers"], _with_interval(row, "gain")
    return {
        "axis": row["axis"],
        "designs": str(row["designs"]),
        "fANOVA": _number(row["fanova"]),
        "PED-ANOVA": _number(row["ped_anova"]),
        "the data prefer": "too few designs a value" if prefers is None else prefers,
        "is that resolved": _word(row),
        "ahead of the next by": "" if prefers is None else gain,
    }


def _word(row: pd.Series) -> str:
    if row["prefers"] is None:
        return ""
    if row["seen"] is False:
        return "no: the proxy cannot see it"
    return "yes" if row["resolved"] else f"no: {row['rivals']} may be as good"


def most_important_first(effects: Sequence[AxisEffects], importance: Mapping[str, Importance]) -> list[AxisEffects]:
    """Order axes by fANOVA's importance times the share of designs that have the axis."""
    return sorted(effects, key=lambda axis: -importance[axis.axis].overall if axis.axis in importance else 0.0)


def _with_interval(row: pd.Series, name: str) -> str:
    if pd.isna(row[name]):
        return ""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.3g} ({low:.3g} to {high:.3g})"


def _number(value: Any) -> str:
    return "" if value is None or pd.isna(value) else f"{value:.2f}"
