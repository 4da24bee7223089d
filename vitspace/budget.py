"""The limits on the cost of a design: FLOPs, params, latency."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from vitspace.errors import InputError, shown
from vitspace.units import format_apart, format_count, format_exactly, format_ms, parse_range

ANY = (0.0, math.inf)


@dataclass(frozen=True)
class Budget:
    """Inclusive ranges for multiply-adds, parameters and CPU latency in milliseconds.

    Attributes:
        macs: Multiply-adds.
        params: Parameters.
        latency_ms: Milliseconds.
        device: Name of the machine whose milliseconds they are; empty is this one.
    """

    macs: tuple[float, float] = ANY
    params: tuple[float, float] = ANY
    latency_ms: tuple[float, float] = ANY
    device: str = ""

    @classmethod
    def parse(cls, macs: str | None = None, params: str | None = None, latency: str | None = None) -> "Budget":
        """Read ``4G``, ``3.5G..4G``, ``25M``, ``60ms``, ``pi5:60ms``; None is no limit.

        Raises:
            InputError: a range, or a device's name, is malformed.
        """
        device, milliseconds = _part_device(latency)
        return cls(
            ANY if macs is None else parse_range(macs),
            ANY if params is None else parse_range(params),
            ANY if milliseconds is None else parse_range(milliseconds, "ms"),
            device,
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
        return replace(self, latency_ms=ANY, device="")

    @property
    def _latency(self) -> str:
        """What milliseconds are called."""
        return f"latency on {self.device}" if self.device else "latency"

    def violation(
        self, *, macs: float | None = None, params: float | None = None, latency_ms: float | None = None
    ) -> str:
        """Return the limit that the given costs break in words, or an empty string."""
        checks = [
            ("FLOPs", macs, self.macs, format_count),
            ("params", params, self.params, format_count),
            (self._latency, latency_ms, self.latency_ms, format_ms),
        ]
        for name, value, (low, high), show in checks:
            if value is not None and not low <= value <= high:
                below = value < low
                found, limit = format_apart(value, low if below else high, show)
                ends = (limit, _end(high, show)) if below else (_end(low, show), limit)
                return f"{name} {found} outside {'..'.join(ends)}"
        return ""

    def __str__(self) -> str:
        parts = [
            f"{name} {_show_range(low, high, show)}"
            for name, (low, high), show in (
                ("FLOPs", self.macs, format_count),
                ("params", self.params, format_count),
                (self._latency, self.latency_ms, format_ms),
            )
            if (low, high) != ANY
        ]
        return ", ".join(parts) or "no limit"


def _part_device(latency: str | None) -> tuple[str, str | None]:
    """Return the device that a limit on latency names, empty for this machine, and the limit."""
    device, colon, limit = (latency or "").rpartition(":")
    if not colon:
        return "", latency
    if not re.fullmatch(r"\w[\w.+-]*", device.strip()):
        raise InputError(f"a latency on a device is NAME:60ms, but got {shown(latency)}")
    return device.strip(), limit


def _show_range(low: float, high: float, show: Callable[[float, int], str]) -> str:
    return f"{_end(low, show)}..{_end(high, show)}"


def _end(value: float, show: Callable[[float, int], str]) -> str:
    return format_exactly(value, show) if 0 < value < math.inf else ""
