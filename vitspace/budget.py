"""The limits on the cost of a design: FLOPs, params, latency."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from vitspace.errors import InputError
from vitspace.units import format_apart, format_count, format_exactly, format_ms, parse_range

ANY = (0.0, math.inf)


@dataclass(frozen=True)
class Budget:
    """Inclusive ranges for multiply-adds, parameters and CPU latency in milliseconds."""

    macs: tuple[float, float] = ANY
    params: tuple[float, float] = ANY
    latency_ms: tuple[float, float] = ANY

    @classmethod
    def parse(cls, macs: str | None = None, params: str | None = None, latency: str | None = None) -> "Budget":
        """Read ``4G``, ``3.5G..4G``, ``25M``, ``60ms``; None is no limit.

        Raises:
            InputError: a range is malformed.
        """
        return cls(
            ANY if macs is None else parse_range(macs),
            ANY if params is None else parse_range(params),
            ANY if latency is None else parse_range(latency, "ms"),
        )

    @classmethod
    def of(cls, budget: "Budget | str | None", params: str | None = None, latency: str | None = None) -> "Budget":
        """Return a Budget as it is, or read its ranges as `parse` does.

        Raises:
            InputError: a range is malformed, or given in addition to a Budget.
        """
        if not isinstance(budget, Budget):
            return cls.parse(budget, params, latency)
        if params or latency:
            raise InputError(f"a Budget holds all limits, but got {budget} and {params or latency!r} beside it")
        return budget

    @property
    def counted(self) -> "Budget":
        """The limits that need no measurement: FLOPs and params."""
        return replace(self, latency_ms=ANY)

    def violation(
        self, *, macs: float | None = None, params: float | None = None, latency_ms: float | None = None
    ) -> str:
        """Return the limit that the given costs break in words, or an empty string."""
        checks = [
            ("FLOPs", macs, self.macs, format_count),
            ("params", params, self.params, format_count),
            ("latency", latency_ms, self.latency_ms, format_ms),
        ]
        for name, value, (low, high), show in checks:
            if value is not None and not low <= value <= high:
                found = format_apart(value, low if value < low else high, show)
                return f"{name} {found} outside {_show_range(low, high, show)}"
        return ""

    def __str__(self) -> str:
        parts = [
            f"{name} {_show_range(low, high, show)}"
            for name, (low, high), show in (
                ("FLOPs", self.macs, format_count),
                ("params", self.params, format_count),
                ("latency", self.latency_ms, format_ms),
            )
            if (low, high) != ANY
        ]
        return ", ".join(parts) or "no limit"


def _show_range(low: float, high: float, show: Callable[[float, int], str]) -> str:
    lowest, highest = low and format_exactly(low, show), high < math.inf and format_exactly(high, show)
    return f"{lowest or ''}..{highest or ''}"
