"""The profile of a network: what `vitspace profile` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vitspace.costs import CONVENTION, Cost, PartCost, cost
from vitspace.doubt import facts_of, warn_of_doubt
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.latency import Latency, LatencySettings, measure
from vitspace.latency.calibration import Calibration, host_calibration
from vitspace.latency.cuda import CudaLatency, CudaSettings, check_cuda, measure_cuda
from vitspace.latency.predictor import LatencyPrediction
from vitspace.machine.host import fingerprint
from vitspace.profile.clocks import BACKBONE, HEAD, dense_part_milliseconds, part_milliseconds
from vitspace.profile.memory import PeakMemory, peak_memory
from vitspace.profile.sizes import Beside
from vitspace.spec import Spec
from vitspace.tasks.building import IMAGENET_CLASSES
from vitspace.tasks.costs import NECK, DenseCost
from vitspace.tasks.dense import DenseTask
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.words import plural


@dataclass(frozen=True)
class PartProfile:
    """One part: its parameters, its multiply-adds, and the median of its milliseconds in PyTorch."""

    name: str
    params: int
    macs: int
    ms: float | None


@dataclass(frozen=True)
class Section:
    """A section of a dense task's network: backbone, neck, or head, with all that is done behind the neck."""

    name: str
    params: int
    macs: int
    activations: int
    ms: float


@dataclass(frozen=True)
class Profile:
    """A network's costs.

    Attributes:
        name: Name of the network.
        spec: The architecture.
        img_size: Side of the image, or (height, width), pixels.
        costs: Cost of the whole network.
        parts: Stem, downsampling, tokens and blocks of each stage, head; ``tokens`` is the cost outside the blocks.
        parts_on: Device and batch of the parts' milliseconds: one CPU thread at batch 1, or the GPU at the timed batch.
        latency: Measured latency for each setting.
        predictions: Predicted latency for each setting; None if there is no calibration for it.
        memory: Resident memory of a fresh process that runs one image on the CPU; None on a GPU, whose peak memory is
            part of the latency.
        task: The dense task that the network is built for; None is classification.
        sections: Of a dense task's network.
    """

    name: str
    spec: Spec
    img_size: ImageSize
    costs: Cost | DenseCost
    parts: list[PartProfile]
    parts_on: str
    latency: list[Latency | CudaLatency]
    predictions: list[LatencyPrediction | None]
    memory: PeakMemory | None
    beside: Beside | None = None
    task: DenseTask | None = None
    sections: Sequence[Section] = ()

    @property
    def parts_ms(self) -> float:
        """Milliseconds of the network while its parts are timed."""
        return sum(each.ms or 0.0 for each in self.sections or self.parts)

    def to_json(self) -> dict[str, Any]:
        """Return what `vitspace profile --json` prints."""
        return {
            "name": self.name,
            "spec_id": self.spec.id,
            "img_size": self.img_size,
            "task": self.task.name if self.task else CLASSIFICATION,
            "num_classes": self.task.num_classes if self.task else IMAGENET_CLASSES,
            "params": self.costs.params,
            "macs": self.costs.macs,
            "activations": self.costs.activations,
            "attention_macs": self.costs.attention_macs,
            "convention": CONVENTION,
            "own_size": asdict(self.beside) if self.beside else None,
            "memory": asdict(self.memory) | {"network_mb": self.memory.network_mb} if self.memory else None,
            "latency": [_row(*pair) for pair in zip(self.latency, self.predictions, strict=True)],
            "sections": [asdict(section) for section in self.sections],
            "parts": [asdict(part) for part in self.parts],
            "parts_on": self.parts_on,
            "host": fingerprint(),
        }


def _row(latency: Latency | CudaLatency, prediction: LatencyPrediction | None) -> dict[str, Any]:
    predicted = {
        "predicted_ms": prediction.ms if prediction else None,
        "prediction": asdict(prediction) if prediction else None,
    }
    if isinstance(latency, Latency):
        return facts_of(latency) | predicted
    return asdict(latency) | {"threads": None, "doubt": latency.doubt} | predicted


def profile(
    name: str,
    spec: Spec,
    settings: Sequence[LatencySettings],
    calibration: Calibration | None = None,
    any_host: bool = False,
    beside: Beside | None = None,
) -> Profile:
    """Count a network, time it and its parts on the CPU, and measure its memory.

    Args:
        name: Name of the network.
        spec: The architecture.
        settings: Settings of the timing, all with the same task, image size and dtype, which hold for the parts too.
        calibration: The calibration to predict from; None takes this host's for each backend, if there is one.
        any_host: Whether this host's calibration may be of other versions.
        beside: What the design costs at the size that it is for, where it is profiled at another.

    Raises:
        InputError: the image is too small, a backend is not installed, or the calibration is damaged, of another host,
            or of none of the settings.
    """
    if calibration and not any(calibration.fits(setting) for setting in settings):
        made = calibration.settings
        raise InputError(
            f"a predictor is for the settings of its calibration, {made.backend} at {made.img_size} px, "
            f"{plural(made.threads, 'thread')}, batch {made.batch}, but these settings are not timed here"
        )
    img_size, dtype, task = settings[0].img_size, settings[0].dtype, settings[0].task
    costs: Cost | DenseCost = task.cost(spec) if task else cost(spec, img_size)
    predictions = [_predicted(spec, setting, calibration, any_host) for setting in settings]
    milliseconds = (
        dense_part_milliseconds(spec, task, dtype) if task else part_milliseconds(spec, img_size, dtype=dtype)
    )
    sections = _sections(costs, milliseconds) if isinstance(costs, DenseCost) else []
    parts = [PartProfile(part, c.params, c.macs, milliseconds.get(part)) for part, c in costs.breakdown()]
    latency: list[Latency | CudaLatency] = []
    for setting in settings:
        latency.append(found := measure(spec, setting))
        warn_of_doubt(name, found)
    memory = peak_memory(spec, img_size, task.name if task else CLASSIFICATION)
    where = f"one thread, batch 1, {dtype}"
    return Profile(name, spec, img_size, costs, parts, where, latency, predictions, memory, beside, task, sections)


def _sections(costs: DenseCost, milliseconds: Mapping[str, float]) -> list[Section]:
    """Return backbone, neck and head, with the time that each takes."""
    counted: dict[str, PartCost] = {BACKBONE: costs.backbone, NECK: costs.neck, HEAD: costs.head}
    return [Section(name, c.params, c.macs, c.activations, milliseconds[name]) for name, c in counted.items()]


def profile_cuda(name: str, spec: Spec, settings: CudaSettings, beside: Beside | None = None) -> Profile:
    """Count a network, and time it and its parts on the GPU.

    Raises:
        InputError: there is no GPU, or the image is too small.
    """
    check_cuda()
    costs = cost(spec, settings.img_size)
    milliseconds = part_milliseconds(spec, settings.img_size, "cuda", settings.batch, settings.dtype)
    parts = [PartProfile(part, c.params, c.macs, milliseconds.get(part)) for part, c in costs.breakdown()]
    latency = measure_cuda(spec, settings)
    parts_on = f"{latency.device}, batch {settings.batch}, {settings.dtype}"
    return Profile(name, spec, settings.img_size, costs, parts, parts_on, [latency], [None], None, beside)


def _predicted(
    spec: Spec, settings: LatencySettings, calibration: Calibration | None, any_host: bool
) -> LatencyPrediction | None:
    found = calibration or host_calibration(settings.backend, any_host)
    return found.predict(spec) if found is not None and found.fits(settings) else None
