"""Training-free scores, and combinations of them, as proxies."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from vitspace.errors import InputError, shown
from vitspace.machine.devices import check_device
from vitspace.machine.quiet import training_step
from vitspace.proxies import COMBINATIONS, ProxyError, Score
from vitspace.proxies.cards import committed_card
from vitspace.proxies.combinations import Combination, fitted
from vitspace.proxies.scores import Settings, Subject, measure, needs_device
from vitspace.spec import Spec

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class FreeProxy:
    """A training-free score or combination: the `vitspace.proxies.Proxy` of this file.

    Attributes:
        name: Of the score or combination.
        model: The combination's, or None.
        settings: How scores are measured.
        worst: There is none.
    """

    name: str
    model: Combination | None
    settings: Settings
    worst: float | None = None

    @property
    def rests_on(self) -> str:
        """The network's counts, where that is all that it scores; empty where weights are drawn."""
        return "" if needs_device(self._names) else "counts of the network"

    @property
    def _names(self) -> tuple[str, ...]:
        return self.model.components if self.model else (self.name,)

    def describe(self) -> dict[str, Any]:
        """Return the settings, the weights of a combination, and the report card as committed."""
        record = {"name": self.name, "training_free": True, "data": "fractal", **asdict(self.settings)}
        if self.model:
            record |= {"components": list(self.model.components), **self.model.describe()}
        return record | {"report_card": committed_card(self.name)}

    def score(self, spec: Spec, seed: int, on_step: OnStep | None = None) -> Score:
        """Measure a design.

        Raises:
            ProxyError: a score it needs is not finite, or cannot be had of this network.
        """
        with training_step(pausing=self.settings.device == "cpu"):  # a score takes no longer than a step of training
            found = measure(Subject.of_spec(spec), self._names, replace(self.settings, seed=seed))
        if found.failures:
            name, why = next(iter(found.failures.items()))
            raise ProxyError(f"{name}: {why}")
        value = self.model.predict(found.values) if self.model else found.values[self.name]
        return Score(value, found.total_seconds, {"scores": found.values})


def open_free(name: str, argument: str, data: str, device: str) -> FreeProxy:
    """Return the proxy of a training-free score or combination.

    Args:
        name: Of the score or combination.
        argument: What stands after a colon: nothing.
        data: Nothing, or fractal, which the scores are fed.
        device: See `check_device`.

    Raises:
        InputError: there is an argument, other data, or no such device.
    """
    if argument:
        raise InputError(f"only train takes a preset, as in train:small, but got {name}:{argument}")
    if data.partition(":")[0] not in ("", "fractal"):
        raise InputError(f"a training-free score is fed generated fractals, so data is fractal, but got {shown(data)}")
    model = fitted(name) if name in COMBINATIONS else None
    runs = needs_device(model.components if model else (name,))
    return FreeProxy(name, model, Settings(device=str(check_device(device, "scoring" if runs else ""))))
