"""Calibration: the measured designs of one host and backend, with what a predictor fitted on them is worth."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vitspace.cache import cache_path
from vitspace.errors import InputError
from vitspace.files import write_json
from vitspace.host import fingerprint
from vitspace.latency.held_out import ALL, HeldOut, predict_held_out, worth
from vitspace.latency.measuring import LatencySettings
from vitspace.latency.predictor import Model, Prediction, Predictor
from vitspace.latency.samples import Measured, Sample
from vitspace.spec import Spec

FORMAT = 2


@dataclass(frozen=True)
class Calibration:
    """What `vitspace profile --calibrate` leaves.

    Attributes:
        settings: What was timed.
        host: Host and versions it holds for; see `circumstances`.
        minutes: How long the measuring took.
        samples: Measured designs.
        predicted_ms: What a predictor fitted on the other folds says of each, [N].
        held_out: What those predictions are worth, by family and for ``all``.
    """

    settings: LatencySettings
    host: dict[str, Any]
    minutes: float
    samples: tuple[Sample, ...]
    predicted_ms: tuple[float, ...]
    held_out: dict[str, HeldOut]

    @classmethod
    def of(cls, samples: Sequence[Sample], settings: LatencySettings, minutes: float) -> "Calibration":
        """Hold designs out, and gather what is kept."""
        measured = Measured.of(samples, settings.img_size)
        predicted = predict_held_out(measured, Model)
        host = circumstances(settings.backend)
        return cls(settings, host, minutes, tuple(samples), tuple(predicted.tolist()), worth(measured, predicted))

    @cached_property
    def measured(self) -> Measured:
        """The samples as arrays."""
        return Measured.of(self.samples, self.settings.img_size)

    @cached_property
    def predictor(self) -> Predictor:
        """The predictor fitted on all samples."""
        return Predictor(self.measured, self.settings.img_size)

    def fits(self, settings: LatencySettings) -> bool:
        """Whether other settings time the same: all but the number of runs."""
        names = ("backend", "threads", "batch", "dtype", "img_size")
        return all(getattr(settings, name) == getattr(self.settings, name) for name in names)

    def predict(self, spec: Spec) -> Prediction:
        """Predict a design."""
        family = spec.family if spec.family in self.held_out else ALL
        known = self.held_out[family]
        ms, outside = self.predictor.look_at(spec)
        return Prediction(ms, known.error, known.within_10, known.designs, family, outside, self.measured.reference_ms)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        rows = [
            {"spec": sample.spec.to_dict(), "ms": sample.ms, "reference_ms": sample.reference_ms, "predicted_ms": ms}
            for sample, ms in zip(self.samples, self.predicted_ms, strict=True)
        ]
        about = {"format": FORMAT, "host": self.host, "settings": asdict(self.settings), "minutes": self.minutes}
        worths = {name: asdict(row) for name, row in self.held_out.items()}
        write_json(path, {**about, "held_out": worths, "samples": rows})


def circumstances(backend: str) -> dict[str, Any]:
    """Return what a calibration depends on: the host, its CPU, and the versions of what runs and describes networks."""
    versions = {"vitspace": version("vitspace")}
    if backend != "eager":
        versions[backend] = _version(backend)
    return fingerprint() | versions


def calibration_path(backend: str) -> Path:
    """Return where this host's calibration for a backend is kept."""
    return cache_path().with_name(f"calibration-{backend}.json")


def load_calibration(path: Path, any_host: bool = False) -> Calibration:
    """Read a calibration.

    Raises:
        InputError: there is none, the file is damaged, or it is another host's or another version's.
    """
    if not path.is_file():
        raise InputError(
            f"latency is predicted after `vitspace profile --calibrate`, but there is no predictor at {path}"
        )
    calibration = _read(path)
    now = circumstances(calibration.settings.backend)
    names = [name for name in now if calibration.host.get(name) != now[name]]
    if names and not any_host:
        there = ", ".join(f"{name} {calibration.host.get(name)!r}" for name in names)
        here = ", ".join(repr(now[name]) for name in names)
        cure = f"`vitspace profile --calibrate --backend {calibration.settings.backend}`"
        raise InputError(
            f"a predictor holds for its own host and versions, but {path} is of {there}, and here it is {here}; "
            f"calibrate by {cure}, or take it as it is by --any-host"
        )
    return calibration


@cache
def host_calibration(backend: str, any_host: bool = False) -> Calibration | None:
    """Return this host's calibration for a backend, or None where there is none.

    Raises:
        InputError: it is damaged, or of another host or version.
    """
    path = calibration_path(backend)
    return load_calibration(path, any_host) if path.is_file() else None


def _read(path: Path) -> Calibration:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows, found = data["samples"], data.get("format")
        if found != FORMAT:
            raise ValueError(f"its format is {found!r}, and this version reads {FORMAT}")
        return Calibration(
            LatencySettings(**data["settings"]),
            dict(data["host"]),
            float(data["minutes"]),
            tuple(Sample(Spec.from_dict(row["spec"]), float(row["ms"]), float(row["reference_ms"])) for row in rows),
            tuple(float(row["predicted_ms"]) for row in rows),
            {name: HeldOut(**row) for name, row in data["held_out"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"key {error} is missing" if isinstance(error, KeyError) else error
        cure = "make it anew by `vitspace profile --calibrate`"
        raise InputError(f"{path} is not a calibration: {reason}; {cure}") from None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
