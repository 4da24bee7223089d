"""Measured designs of one host and backend, and the error of a predictor fitted on them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from vitspace.cache import cache_path
from vitspace.errors import InputError, shown
from vitspace.files import broken_rule, reading_json, write_json
from vitspace.latency.backends import runtime_versions
from vitspace.latency.held_out import ALL, HeldOut, predict_held_out, worth
from vitspace.latency.kit import broken_bound
from vitspace.latency.measuring import LatencySettings
from vitspace.latency.predictor import LatencyPrediction, LatencyPredictor, Model
from vitspace.latency.samples import Measured, Sample
from vitspace.machine.host import fingerprint
from vitspace.sources import sources_of
from vitspace.spec import Spec
from vitspace.words import some

T = TypeVar("T")
FORMAT = 3
_SETTINGS, _HELD_OUT = TypeAdapter(LatencySettings), TypeAdapter(HeldOut)
#: Designs from which a predictor can be fitted.
_FEWEST = 10
#: Characters of what tells hosts apart, in an error.
_BRIEF = 40


@dataclass(frozen=True)
class Calibration:
    """The result of `vitspace profile --calibrate`.

    Attributes:
        settings: Settings of the timing.
        host: Host and versions for which it is valid; see `circumstances`.
        minutes: Duration of the measurements.
        samples: Measured designs.
        predicted_ms: Prediction of each design by a predictor fitted on the other folds, [N].
        held_out: Errors of these predictions, by family and for ``all``.
    """

    settings: LatencySettings
    host: dict[str, Any]
    minutes: float
    samples: tuple[Sample, ...]
    predicted_ms: tuple[float, ...]
    held_out: dict[str, HeldOut]

    @classmethod
    def of(cls, samples: Sequence[Sample], settings: LatencySettings, minutes: float) -> "Calibration":
        """Compute held-out predictions of samples, and return both as a calibration."""
        measured = Measured.of(samples, settings.img_size)
        predicted = predict_held_out(measured, Model)
        host = circumstances(settings.backend)
        return cls(settings, host, minutes, tuple(samples), tuple(predicted.tolist()), worth(measured, predicted))

    @cached_property
    def measured(self) -> Measured:
        """The samples as arrays."""
        return Measured.of(self.samples, self.settings.img_size)

    @cached_property
    def predictor(self) -> LatencyPredictor:
        """The predictor fitted on all samples."""
        return LatencyPredictor(self.measured, self.settings.img_size)

    def fits(self, settings: LatencySettings) -> bool:
        """Whether other settings are the same apart from the number of runs."""
        names = ("backend", "threads", "batch", "dtype", "img_size", "task")
        return all(getattr(settings, name) == getattr(self.settings, name) for name in names)

    def predict(self, spec: Spec) -> LatencyPrediction:
        """Return the predicted latency of a design."""
        family = spec.family if spec.family in self.held_out else ALL
        known = self.held_out[family]
        (ms, outside), reference_ms = self.predictor.look_at(spec), self.measured.reference_ms
        return LatencyPrediction(ms, known.error, known.within_10, known.designs, family, outside, reference_ms)

    def save(self, path: Path) -> None:
        """Write the calibration as JSON."""
        rows = [
            {"spec": sample.spec.to_dict(), "ms": sample.ms, "reference_ms": sample.reference_ms, "predicted_ms": ms}
            for sample, ms in zip(self.samples, self.predicted_ms, strict=True)
        ]
        about = {"format": FORMAT, "host": self.host, "settings": asdict(self.settings), "minutes": self.minutes}
        worths = {name: asdict(row) for name, row in self.held_out.items()}
        write_json(path, {**about, "held_out": worths, "samples": rows})


def circumstances(backend: str) -> dict[str, Any]:
    """Return the host, its CPU, and the versions of the programs that a calibration depends on."""
    versions = {"vitspace": version("vitspace"), "code": sources_of("vitspace.latency.measuring", "vitspace.families")}
    return fingerprint() | versions | runtime_versions(backend)


def calibration_path(backend: str) -> Path:
    """Return the file of this host's calibration for a backend."""
    return cache_path().with_name(f"calibration-{backend}.json")


def load_calibration(path: Path, any_host: bool = False) -> Calibration:
    """Read a calibration.

    Raises:
        InputError: there is no such file, it is damaged, or of another host or version.
    """
    if not path.is_file():
        raise InputError(
            f"latency is predicted after `vitspace profile --calibrate`, but there is no predictor at {path}"
        )
    calibration = _read(path)
    now = circumstances(calibration.settings.backend)
    names = [name for name in now if calibration.host.get(name) != now[name]]
    if names and not any_host:
        there = some([f"{name} {_brief(calibration.host.get(name))}" for name in names])
        here = some([_brief(now[name]) for name in names])
        cure = f"`vitspace profile --calibrate --backend {calibration.settings.backend}`"
        raise InputError(
            f"a predictor holds for its own host and versions, but {path} is of {there}, and here it is {here}; "
            f"calibrate by {cure}, or take it as it is by --any-host"
        )
    return calibration


@cache
def host_calibration(backend: str, any_host: bool = False) -> Calibration | None:
    """Return this host's calibration for a backend, or None if there is none.

    Raises:
        InputError: it is damaged, or of another host or version.
    """
    path = calibration_path(backend)
    return load_calibration(path, any_host) if path.is_file() else None


def _read(path: Path) -> Calibration:
    cure = "make it anew by `vitspace profile --calibrate`"
    with reading_json(path, FORMAT, "a calibration", cure, finite=False) as data:
        rows = data["samples"]
        if ALL not in data["held_out"] or len(rows) < _FEWEST:
            raise ValueError(f"it has {len(rows)} designs, and at least {_FEWEST} and what was held out are needed")
        minutes = float(data["minutes"])
        predicted = tuple(float(row["predicted_ms"]) for row in rows)
        if not all(map(math.isfinite, (minutes, *predicted))):
            raise ValueError("minutes and predicted_ms are finite, but got others")
        return Calibration(
            _as(_SETTINGS, data["settings"], "settings"),
            dict(data["host"]),
            minutes,
            tuple(_sample(row) for row in rows),
            predicted,
            {name: _as(_HELD_OUT, row, "held_out") for name, row in data["held_out"].items()},
        )


def _sample(row: dict[str, Any]) -> Sample:
    for name in ("ms", "reference_ms"):
        if rule := broken_bound(name, row[name]):
            raise ValueError(f"{rule}, but got {shown(row[name])}")
    return Sample(Spec.from_dict(row["spec"]), float(row["ms"]), float(row["reference_ms"]))


def _as(adapter: TypeAdapter[T], data: Any, what: str) -> T:
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(broken_rule(".".join([what, *map(str, first["loc"])]), first)) from None


def _brief(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 3]}..."
