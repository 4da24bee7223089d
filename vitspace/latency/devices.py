"""Predictors of latency on other machines, each from the times that a kit brought back.

They are kept as one file each, ``NAME.json``, under ``VITSPACE_DEVICES`` or the user's data folder, since no run here
can make them anew. A budget names one before its milliseconds: ``pi5:60ms``.
"""

import logging
import os
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_data_path

from vitspace.costs import cost
from vitspace.errors import InputError, shown
from vitspace.files import reading_json, write_json
from vitspace.image_sizes import ImageSize, format_image_size, plain_size
from vitspace.latency.counted import SCALES, CountedLatency, CountedPrediction
from vitspace.latency.kit import DeviceTime, Kit, broken_bound, read_kit, read_results, times_of
from vitspace.latency.plausible import check_times, far_words
from vitspace.latency.process import TimeScales
from vitspace.latency.table import shipped
from vitspace.latency.time_kit import FACTS
from vitspace.latency.timed import TimedDesign
from vitspace.spec import Spec

_log = logging.getLogger(__name__)

FORMAT = 1
#: Designs from which a predictor is fitted.
FEWEST = 10
#: What a kit is timed by on a device.
BACKEND = "onnxruntime"
#: How much more a device may differ from the hosts of the shipped designs than these do from each other: by it the
#: stated errors hold for about as many designs as they say (tests/bench/devices.py).
UNLIKE = 2.0
_NAME = re.compile(r"\w[\w.+-]{0,59}")


@dataclass(frozen=True)
class Device:
    """Another machine, as far as a kit's times tell.

    Attributes:
        name: What budgets call it.
        kit: Id of the kit.
        img_size: Side of the image, or (height, width), pixels.
        facts: What it is: ``device``, ``cpu``, ``cores``, ``system``, ``python``, ``onnxruntime``.
        times: Of the kit's designs.
    """

    name: str
    kit: str
    img_size: ImageSize
    facts: dict[str, str]
    times: tuple[DeviceTime, ...]

    @cached_property
    def latency(self) -> CountedLatency:
        """Predicts milliseconds there."""
        reference_ms = float(np.median([time.reference_ms for time in self.times]))
        known = [row for row in shipped() if row.backend == BACKEND]
        own = [self._design(time, reference_ms) for time in self.times]
        return CountedLatency(known, own, reference_ms, unlike(SCALES[BACKEND]), self.img_size, f"on {self.name}")

    def predict(self, spec: Spec) -> CountedPrediction:
        """Return the predicted latency of a design."""
        return self.latency.look_at(spec)

    @property
    def held_out(self) -> dict[str, float]:
        """Errors on its designs, each predicted without itself: shares of designs within an error, median, worst."""
        off = np.abs(self.latency.own_errors)
        shares = {f"within_{share:.0%}".rstrip("%"): float(np.quantile(off, share)) for share in (0.8, 0.9, 0.95)}
        return {"median": float(np.median(off)), **shares, "worst": float(off.max())}

    @property
    def words(self) -> str:
        """What the device is, and how well latency is predicted there."""
        known = self.held_out
        what = f"{self.facts['device']}, {self.facts['cpu']}, onnxruntime {self.facts['onnxruntime']}"
        within = f"80 % within {known['within_80']:.0%}, 95 % within {known['within_95']:.0%}"
        return f"{self.name} ({what}): from {len(self.times)} designs timed there; of held-out ones {within}"

    def to_json(self) -> dict[str, Any]:
        """Return the device without its times."""
        about = {"name": self.name, "kit": self.kit, "img_size": self.img_size, **self.facts}
        held_out = self.held_out
        return about | {"designs": len(self.times), "reference_ms": self.latency.reference_ms, "held_out": held_out}

    def _design(self, time: DeviceTime, reference_ms: float) -> TimedDesign:
        """Return a time at the device's usual speed."""
        ms = time.ms * reference_ms / time.reference_ms
        numbers = cost(time.spec, self.img_size).numbers
        return TimedDesign(time.spec.id, time.spec.family, ms, reference_ms, time.sd, numbers, BACKEND, self.name)


def devices_folder() -> Path:
    """Return where devices are kept: ``VITSPACE_DEVICES``, or a folder of the user's data."""
    folder = os.environ.get("VITSPACE_DEVICES")
    return Path(folder) if folder else user_data_path("vitspace") / "devices"


def device_names() -> list[str]:
    """Return the names of the devices."""
    return sorted(path.stem for path in devices_folder().glob("*.json"))


def all_devices() -> tuple[list[Device], list[str]]:
    """Return the devices, and what is wrong with the files of those that cannot be read."""
    found, damaged = [], []
    for name in device_names():
        try:
            found.append(device(name))
        except InputError as error:
            damaged.append(str(error))
    return found, damaged


def device(name: str) -> Device:
    """Return a device that was imported.

    Raises:
        InputError: there is none of that name, or its file is damaged.
    """
    return _read(device_path(name), name)


def device_at(name: str, img_size: ImageSize) -> Device:
    """Return the device of a name, which predicts for images of a size.

    Raises:
        InputError: as `device`, or it was timed for images of another size.
    """
    found = device(name)
    if found.img_size != img_size:
        raise InputError(
            f"latency on {name} is predicted at the image size of its kit, {format_image_size(found.img_size)} px, "
            f"but got {format_image_size(img_size)}"
        )
    return found


def device_path(name: str) -> Path:
    """Return the file of a device.

    Raises:
        InputError: the name is none.
    """
    return devices_folder() / f"{check_name(name)}.json"


def check_name(name: str) -> str:
    """Return a device's name.

    Raises:
        InputError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"a device's name is of letters, digits and ._+-, at most 60, but got {shown(name)}")
    return name


def add_device(name: str, path: Path, kit: Path | None = None, replace: bool = False) -> Device:
    """Fit a predictor of a device to a kit's times, and keep it; times far from their predictions are warned of.

    Args:
        name: What the device is to be called.
        path: The file that came back.
        kit: The kit's folder or list; None is what was kept when the kit was made here.
        replace: Whether a device of that name is replaced.

    Raises:
        InputError: the name is taken, the file is damaged, the times are of another kit, they are too few, or cannot be
            milliseconds.
    """
    there = device_path(name)
    if there.exists() and not replace:
        raise InputError(f"a device has a name of its own, but {name!r} is there; --replace imports it anew")
    results = read_results(path)
    known = read_kit(kit) if kit else _find_kit(results.kit, path)
    times = times_of(results, known, path)
    if len(times) < FEWEST:
        raise InputError(
            f"a predictor is fitted to {FEWEST} designs or more, but {path} has {len(times)} of the kit's "
            f"{len(known.specs)}: run time_kit.py again, which goes on"
        )
    made = Device(name, known.id, known.img_size, results.facts, tuple(times))
    check_times(made.latency, [*results.rows], path)
    if words := far_words(made.latency, [*results.rows]):
        _log.warning("%s: %s", path, words)
    _save(made, there)
    return made


def kits_folder() -> Path:
    """Return where the lists of kits that were made here are kept."""
    return devices_folder() / "kits"


def _find_kit(kit: str, path: Path) -> Kit:
    """Return a kit that was made here.

    Raises:
        InputError: it was made elsewhere.
    """
    file = kits_folder() / f"{kit}.json"
    if not re.fullmatch(r"[0-9a-f]{12}", kit) or not file.is_file():
        raise InputError(f"{path} is of kit {shown(kit)}, which was not made here: name its folder by --kit")
    return read_kit(file)


def unlike(scales: TimeScales, times: float = UNLIKE) -> TimeScales:
    """Return the scales of hosts that differ so many times more from each other."""
    own = ("host_scale", "host_rates", "host_family", "host_smooth")
    return scales._replace(**{name: times * getattr(scales, name) for name in own})


def _save(made: Device, path: Path) -> None:
    rows = [
        {"spec": time.spec.to_dict(), "ms": time.ms, "reference_ms": time.reference_ms, "sd": time.sd}
        for time in made.times
    ]
    about = {"format": FORMAT, "kit": made.kit, "img_size": made.img_size, "facts": made.facts}
    keep(path, about | {"times": rows})
    _read.cache_clear()


def keep(path: Path, data: dict[str, Any]) -> None:
    """Write a file of the devices' folder.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, data)
    except OSError as error:
        rule = "devices are kept in a folder that can be written, which VITSPACE_DEVICES names"
        raise InputError(f"{rule}, but got {str(path.parent)!r}: {error}") from None


@cache
def _read(path: Path, name: str) -> Device:
    if not path.is_file():
        known = ", ".join(device_names()) or "none was imported; see vitspace latency import"
        raise InputError(f"a device is one of those imported ({known}), but got {shown(name)}")
    cure = "import it anew by vitspace latency import --replace, or remove the file"
    with reading_json(path, FORMAT, "a device", cure) as data:
        times = tuple(_time(row) for row in data["times"])
        if len(times) < FEWEST:
            raise ValueError(f"it has {len(times)} times, and at least {FEWEST} are needed")
        facts = {name: str(data["facts"][name]) for name in FACTS}
        return Device(name, str(data["kit"]), plain_size(data["img_size"]), facts, times)


def _time(row: dict[str, Any]) -> DeviceTime:
    for name in ("ms", "reference_ms", "sd"):
        if rule := broken_bound(name, row[name]):
            raise ValueError(f"{rule}, but got {shown(row[name])}")
    return DeviceTime(Spec.from_dict(row["spec"]), *(float(row[name]) for name in ("ms", "reference_ms", "sd")))
