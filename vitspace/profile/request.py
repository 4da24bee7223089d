"""What a profile is asked for, checked before anything is timed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from vitspace.design import named_design
from vitspace.errors import InputError, shown
from vitspace.image_sizes import ImageSize
from vitspace.latency import LatencySettings, check_backend
from vitspace.latency.calibration import Calibration, load_calibration
from vitspace.latency.cuda import CudaSettings, check_cuda
from vitspace.precision import USUAL_PRECISION, parse_precision
from vitspace.profile.parts import Profile, profile, profile_cuda
from vitspace.profile.sizes import SizedDesign
from vitspace.tasks.dense import DenseTask
from vitspace.tracking import Track, untracked
from vitspace.words import plural

DEVICES = ("cpu", "cuda")
#: Images at once, where no number is given.
_BATCH = {"cpu": 1, "cuda": 64}


@dataclass(frozen=True)
class ProfileRequest:
    """Which designs are profiled, and how.

    Attributes:
        designs: Each an anchor's id, a path to a spec's .json, or the JSON itself.
        backends: What runs the networks when they are timed; see `vitspace.latency.backends`.
        device: One of `DEVICES`.
        threads: Threads when timing on the CPU.
        batch: Images at once when timing; None is 1, on cuda 64.
        dtype: Type of weights and images.
        precision: How well runs are to tell the milliseconds, ``5%``; None is the usual.
        img_size: Side of the image, or (height, width), pixels; None is each design's own.
        task: The dense task whose whole network is profiled; None is classification.
        predictor: The file of a calibration to predict from; None is this host's.
        any_host: Whether a calibration of another host or version is accepted.
        audit: Whether the counts of a single design are to be audited, too.

    Raises:
        InputError: there is no such device or task, or something is given that would be ignored.
    """

    designs: Sequence[str]
    backends: Sequence[str] = ("eager",)
    device: str = "cpu"
    threads: int = 1
    batch: int | None = None
    dtype: str = "float32"
    precision: str | None = None
    img_size: ImageSize | None = None
    task: str | None = None
    predictor: Path | None = None
    any_host: bool = False
    audit: bool = False

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise InputError(f"device is one of {', '.join(DEVICES)}, but got {shown(self.device)}")
        if dense := self.dense:
            rule = f"networks of {dense.name} are counted by our counter and timed on the CPU"
            self._refuse(rule, "device", "audit", "predictor", "any_host")
        if self.device == "cuda":
            rule = "on cuda there is no prediction, no number of threads, and a fixed number of runs"
            self._refuse(rule, "threads", "predictor", "any_host", "precision")
            if list(self.backends) != ["eager"]:
                raise InputError(f"on cuda the backend is eager, but got {', '.join(self.backends)}")
        if self.audit and len(self.designs) > 1:
            raise InputError(f"an audit is of one design, but got {len(self.designs)}")

    @property
    def dense(self) -> DenseTask | None:
        """The dense task; None is classification."""
        return DenseTask.of(self.task, self.img_size) if self.task else None

    def changed(self) -> list[str]:
        """Return the options, but for designs and back ends, that are not as they are by default."""
        names = [field.name for field in fields(self) if field.name not in ("designs", "backends")]
        return [_option(name) for name in names if self._is_given(name)]

    def _is_given(self, name: str) -> bool:
        return bool(getattr(self, name) != getattr(type(self), name))

    def _refuse(self, rule: str, *names: str) -> None:
        """Refuse options that would be ignored."""
        if given := [_option(name) for name in names if self._is_given(name)]:
            raise InputError(f"{rule}, but got {', '.join(given)} beside it")


def profile_all(request: ProfileRequest, track: Track = untracked) -> list[Profile]:
    """Profile designs one after the other; all are read and checked before the first is timed.

    Args:
        request: Which designs, and how.
        track: Shows how many are profiled.

    Raises:
        InputError: there is no such design, or it cannot be timed so.
    """
    made = _on_cuda if request.device == "cuda" else _on_cpu
    calibration = load_calibration(request.predictor, request.any_host) if request.predictor else None
    jobs = [made(request, design, calibration) for design in _designs(request)]
    return [job() for job in track(jobs, f"profiling {plural(len(jobs), 'design')}")]


def _designs(request: ProfileRequest) -> list[SizedDesign]:
    """Return the designs, each once; files of one name are named by their paths."""
    texts, dense = list(dict.fromkeys(request.designs)), request.dense
    found = [named_design(text) for text in texts]
    names = [design.name for design in found]
    told = [
        replace(design, name=text.removesuffix(".json")) if names.count(design.name) > 1 else design
        for text, design in zip(texts, found, strict=True)
    ]
    return [SizedDesign.for_task(each, dense) if dense else SizedDesign.of(each, request.img_size) for each in told]


def _on_cpu(request: ProfileRequest, design: SizedDesign, calibration: Calibration | None) -> Callable[[], Profile]:
    for backend in request.backends:
        check_backend(backend)
    common: dict[str, Any] = {
        "threads": request.threads,
        "batch": request.batch or _BATCH["cpu"],
        "dtype": request.dtype,
        "precision": USUAL_PRECISION if request.precision is None else parse_precision(request.precision),
        "img_size": design.img_size,
        "task": design.task,
    }
    settings = [LatencySettings(backend, **common) for backend in request.backends]
    return partial(profile, design.name, design.spec, settings, calibration, request.any_host, design.beside)


def _on_cuda(request: ProfileRequest, design: SizedDesign, _: Calibration | None) -> Callable[[], Profile]:
    settings = CudaSettings(request.batch or _BATCH["cuda"], request.dtype, design.img_size)
    check_cuda()
    return partial(profile_cuda, design.name, design.spec, settings, design.beside)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
