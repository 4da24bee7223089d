"""Proxies of other packages: whatever is wrong with one is said in a line that names it."""

import inspect
import json
import math
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from numbers import Real
from types import ModuleType
from typing import Any

from vitspace.errors import InputError, shown
from vitspace.proxies.proxy import Laddered, Proxy, ProxyError, ProxyFault, Score, checked_score

_OPENS, _SCORES = "open_proxy(argument, data, device, seed)", "score(spec, seed, on_step=None)"


class Foreign:
    """A `Proxy` of another package, its answers checked.

    Args:
        inner: What its ``open_proxy`` returned.
        told: How errors name it.

    Attributes:
        module: The module of its class, whose code measures.
        name: What it calls itself.
        rests_on: What decides its scores where no seed does, in words.
        worst: The score's negative for chance, or None.
        refused: Says why it does not score a design, where it knows some only, as a `Selective` one.

    Raises:
        ProxyFault: it is no proxy.
    """

    def __init__(self, inner: Proxy, told: str) -> None:
        self.inner, self.told, self.module = inner, told, type(inner).__module__
        for name in ("score", "describe"):
            if not callable(self._told(name)):
                raise ProxyFault(
                    f"{told}: a proxy has {_SCORES}, describe() and worst, but {_named(inner)} has no {name}"
                )
        _check_takes(inner.score, f"{told}: {_SCORES}", None, 0, None)
        self.name = _called(f"{told}: name", str, self._told("name", ""))
        self.worst: float | None = self._worst()
        self.rests_on = self._rests_on()
        if refused := self._told("refused"):
            self.refused: Callable[[Any], str] = _refusal(refused, f"{told}: refused(spec)")
        self.describe()

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
        except (Exception, SystemExit) as error:  # whatever another package raises
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
        took = _number(score.seconds)
        if took is None or not 0 <= took < math.inf:
            raise ProxyFault(f"{self.told}: seconds of a Score are at least 0, but got {shown(score.seconds)}")
        if not isinstance(score.details, dict):
            raise ProxyFault(f"{self.told}: details of a Score are a dict, but got {shown(score.details)}")
        return Score(checked_score(value), took, score.details)

    def _worst(self) -> float | None:
        worst = self._told("worst")
        if worst is None:
            return None
        value = _number(worst)
        if value is None or not math.isfinite(value):
            raise ProxyFault(f"{self.told}: worst is a finite number or None, but got {shown(worst)}")
        return value

    def _rests_on(self) -> str:
        words = self._told("rests_on", "")
        if not isinstance(words, str):
            raise ProxyFault(f"{self.told}: rests_on is a text, but got {shown(words)}")
        return words

    def _told(self, name: str, otherwise: Any = None) -> Any:
        """Return an attribute; a property runs another package's code."""
        return _called(f"{self.told}: {name}", getattr, self.inner, name, otherwise)


class ForeignLadder(Foreign):
    """A `Laddered` proxy of another package; see `Foreign`."""

    def __init__(self, inner: Any, told: str) -> None:
        super().__init__(inner, told)
        rungs, keep = self._told("rungs"), self._told("keep")
        if not isinstance(rungs, (tuple, list)) or not rungs:
            raise ProxyFault(f"{told}: rungs is a tuple of proxies, but got {shown(rungs)}")
        self.rungs: tuple[Proxy, ...] = tuple(Foreign(rung, f"{told}, rung {n}") for n, rung in enumerate(rungs, 1))
        self.keep = _number(keep) or 0.0
        if not 0 < self.keep < 1:
            raise ProxyFault(f"{told}: keep is over 0 and below 1, but got {shown(keep)}")


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
    opens = _called(f"{told}: open_proxy", getattr, module, "open_proxy", None)
    if not callable(opens):
        raise ProxyFault(f"{told}: a proxy's module has {_OPENS}, but {_named(module)} has none")
    _check_takes(opens, f"{told}: {_OPENS}", *arguments)
    inner = _called(f"{told}: {_OPENS}", opens, *arguments)
    has_rungs = _called(f"{told}: rungs and keep", isinstance, inner, Laddered)
    return ForeignLadder(inner, told) if has_rungs else Foreign(inner, told)


def flag(module: Any, name: str, otherwise: bool, told: str) -> bool:
    """Return one of a module's constants that are True or False.

    Raises:
        ProxyFault: it is something else.
    """
    found = _called(f"{told}: {name}", getattr, module, name, otherwise)
    if not isinstance(found, bool):
        raise ProxyFault(f"{told}: {name} is True or False, but got {shown(found)}")
    return found


def text_of(told: str, call: Callable, *arguments: Any) -> str:
    """Return the text that one of a module's functions on names returns.

    Raises:
        InputError: it says so.
        ProxyFault: it fails, or returns something else.
    """
    found = _called(told, call, *arguments)
    if not isinstance(found, str):
        raise ProxyFault(f"{told} returns a text, but got {shown(found)}")
    return found


def pair_of(told: str, call: Callable, *arguments: Any) -> tuple[str, str | None]:
    """Return the name and the data, or None, that one of a module's functions on names returns.

    Raises:
        InputError: it says so.
        ProxyFault: it fails, or returns something else.
    """
    found = _called(told, call, *arguments)
    match found:
        case (str(name), str() | None as data) if isinstance(found, tuple):
            return name, data
    raise ProxyFault(f"{told} returns a name and its data, or None for these, but got {shown(found)}")


def _refusal(refused: Any, told: str) -> Callable[[Any], str]:
    """Return what says why a proxy does not score a design, its answers checked.

    Raises:
        ProxyFault: it is no function of a spec.
    """
    if not callable(refused):
        raise ProxyFault(f"{told} is a function, but got {shown(refused)}")
    _check_takes(refused, told, None)
    return partial(text_of, told, refused)


def _called(told: str, call: Callable, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever another package raises
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
        raise ProxyFault(f"{told} takes {len(arguments)} arguments, but it is {_named(call)}{signature}") from None


def _number(value: Any) -> float | None:
    """Return a number, or a tensor or array that holds one, as a float; None of anything else."""
    try:
        if isinstance(value, bool) or not (isinstance(value, (Real, Decimal)) or _of_numbers(value)):
            return None
        return float(value.item() if hasattr(value, "item") else value)
    except Exception:  # whatever an object of another package raises
        return None


def _of_numbers(value: Any) -> bool:
    """Whether a tensor, an array, or a number of numpy's, holds integers or floats."""
    kind = str(getattr(value, "dtype", ""))
    return "int" in kind or "float" in kind


def _named(value: Any) -> str:
    has_name = isinstance(value, (type, ModuleType)) or inspect.isroutine(value)
    return str(value.__name__ if has_name else type(value).__name__)


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300] or 'no message'}"
