"""Proxies of other packages: whatever is wrong with one is said in a line that names it."""

import inspect
import json
import math
import time
from collections.abc import Callable
from typing import Any

from vitspace.errors import InputError, shown
from vitspace.proxies.proxy import Laddered, Proxy, ProxyError, ProxyFault, Score, finite

_OPENS, _SCORES = "open_proxy(argument, data, device, seed)", "score(spec, seed, on_step=None)"


class Foreign:
    """A `Proxy` of another package, its answers checked.

    Args:
        inner: What its ``open_proxy`` returned.
        told: How errors name it.

    Attributes:
        module: The module of its class, whose code measures.

    Raises:
        ProxyFault: it is no proxy.
    """

    def __init__(self, inner: Proxy, told: str) -> None:
        self.inner, self.told, self.module = inner, told, type(inner).__module__
        for name in ("score", "describe"):
            if not callable(getattr(inner, name, None)):
                raise ProxyFault(
                    f"{told}: a proxy has {_SCORES}, describe() and worst, but {_named(inner)} has no {name}"
                )
        _check_takes(inner.score, f"{told}: {_SCORES}", None, 0, None)
        self.worst: float | None = self._worst()
        self.describe()

    @property
    def name(self) -> str:
        """What it calls itself."""
        return str(getattr(self.inner, "name", ""))

    def describe(self) -> dict[str, Any]:
        """Return its record.

        Raises:
            ProxyFault: there is none that JSON can hold.
        """
        found = _called(f"{self.told}: describe()", self.inner.describe)
        try:
            json.dumps(found)
        except (TypeError, ValueError, RecursionError) as error:
            raise ProxyFault(f"{self.told}: describe() returns what JSON can hold, but {error}") from None
        if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
            raise ProxyFault(f"{self.told}: describe() returns a dict with names, but got {shown(found)}")
        return found

    def score(self, spec: Any, seed: int, on_step: Callable[[int, int], None] | None = None) -> Score:
        """Score a design.

        Raises:
            ProxyError: it cannot be scored, or the score is no finite number.
            ProxyFault: what came back is no score.
        """
        stops: list[BaseException] = []

        def step(done: int, total: int) -> None:
            try:
                if on_step:
                    on_step(done, total)
            except BaseException as error:  # is not the proxy's: it asks the proxy to stop
                stops.append(error)
                raise

        start = time.perf_counter()
        try:
            found = self.inner.score(spec, seed, step if on_step else None)
        except (ProxyError, InputError):
            raise
        except Exception as error:  # whatever another package raises
            if error in stops:
                raise
            raise ProxyError(f"{self.told}: {_reason(error)}") from error
        return self._score(found, time.perf_counter() - start)

    def _score(self, found: Any, seconds: float) -> Score:
        """Return what a proxy returned as a score; a plain number, or a tensor that holds one, is one."""
        score = found if isinstance(found, Score) else Score(found, seconds)
        value = _number(score.value)
        if value is None:
            raise ProxyFault(
                f"{self.told}: {_SCORES} returns a Score or a number, but got {_named(found)} {shown(score.value)}"
            )
        seconds = _number(score.seconds) or 0.0
        if not isinstance(score.details, dict):
            raise ProxyFault(f"{self.told}: details of a Score are a dict, but got {shown(score.details)}")
        return Score(finite(value), seconds, score.details)

    def _worst(self) -> float | None:
        worst = getattr(self.inner, "worst", None)
        if worst is None:
            return None
        value = _number(worst)
        if value is None or not math.isfinite(value):
            raise ProxyFault(f"{self.told}: worst is a finite number or None, but got {shown(worst)}")
        return value


class ForeignLadder(Foreign):
    """A `Laddered` proxy of another package; see `Foreign`."""

    def __init__(self, inner: Any, told: str) -> None:
        super().__init__(inner, told)
        self.rungs: tuple[Proxy, ...] = tuple(
            Foreign(rung, f"{told}, rung {n}") for n, rung in enumerate(inner.rungs, 1)
        )
        self.keep = _number(inner.keep) or 0.0
        if not (self.rungs and 0 < self.keep < 1):
            raise ProxyFault(
                f"{told}: a proxy of several rungs has some, and keep over 0 and below 1, but got {inner.keep!r}"
            )


def open_foreign(module: Any, told: str, *arguments: Any) -> Proxy:
    """Open a proxy of another package.

    Args:
        module: What its entry point names.
        told: How errors name it.
        arguments: Argument, data, device and seed.

    Raises:
        InputError: it says so.
        ProxyFault: it cannot be opened, or is no proxy.
    """
    opens = getattr(module, "open_proxy", None)
    if not callable(opens):
        raise ProxyFault(f"{told}: a proxy's module has {_OPENS}, but {_named(module)} has none")
    _check_takes(opens, f"{told}: {_OPENS}", *arguments)
    inner = _called(f"{told}: {_OPENS}", opens, *arguments)
    return ForeignLadder(inner, told) if isinstance(inner, Laddered) else Foreign(inner, told)


def flag(module: Any, name: str, otherwise: bool, told: str) -> bool:
    """Return one of a module's constants that are True or False.

    Raises:
        ProxyFault: it is something else.
    """
    found = getattr(module, name, otherwise)
    if not isinstance(found, bool):
        raise ProxyFault(f"{told}: {name} is True or False, but got {shown(found)}")
    return found


def texts(told: str, call: Callable, *arguments: Any) -> Any:
    """Return what one of a module's functions on names returns: texts, or a pair of a text and a text or None.

    Raises:
        InputError: it says so.
        ProxyFault: it fails, or returns something else.
    """
    found = _called(told, call, *arguments)
    parts = found if isinstance(found, tuple) else (found,)
    if len(parts) > 2 or not all(
        isinstance(part, str) or (number and part is None) for number, part in enumerate(parts)
    ):
        raise ProxyFault(f"{told} returns a text, or a text and its data, but got {shown(found)}")
    return found


def _called(told: str, call: Callable, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except InputError:
        raise
    except Exception as error:  # whatever another package raises
        raise ProxyFault(f"{told} fails: {_reason(error)}") from error


def _check_takes(call: Callable, told: str, *arguments: Any) -> None:
    """Refuse a function that does not take such arguments."""
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):  # written in C: what it takes shows when it is called
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise ProxyFault(f"{told} takes {len(arguments)} arguments, but it is {call.__name__}{signature}") from None


def _number(value: Any) -> float | None:
    """Return a number, or a tensor or array that holds one, as a float; None of anything else."""
    if isinstance(value, (str, bytes, bool)) or value is None:
        return None
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except Exception:  # whatever an object of another package raises
        return None


def _named(value: Any) -> str:
    return getattr(value, "__name__", None) or type(value).__name__


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300] or 'no message'}"
