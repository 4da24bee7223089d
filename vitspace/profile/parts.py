"""The record behind `vitspace profile`."""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vitspace.costs import CONVENTION, Cost, cost
from vitspace.errors import InputError
from vitspace.families import Spec, anchor
from vitspace.host import fingerprint
from vitspace.latency import Latency, LatencySettings, measure, pinned
from vitspace.latency.predictor import host_predictor
from vitspace.network import Network, build

_RUNS = 15


@dataclass(frozen=True)
class PartProfile:
    """One part: its parameters, its multiply-adds, and the median of its milliseconds in PyTorch on one thread."""

    name: str
    params: int
    macs: int
    ms: float | None


@dataclass(frozen=True)
class Profile:
    """A network's costs.

    Attributes:
        name: What it was asked for as.
        spec: The architecture.
        img_size: Side of the image in pixels.
        costs: What it costs in all.
        parts: Stem, downsampling, tokens and blocks of each stage, head. ``tokens`` is what lies outside the blocks.
        latency: By back end.
        predicted_ms: What the predictor of this host says, by back end; None where there is no calibration or the
            setting is another.
        peak_mb: Largest resident memory of this process, in MB, after a forward at batch 1.
    """

    name: str
    spec: Spec
    img_size: int
    costs: Cost
    parts: list[PartProfile]
    latency: list[Latency]
    predicted_ms: list[float | None]
    peak_mb: float

    def to_json(self) -> dict[str, Any]:
        """Return what `vitspace profile --json` prints."""
        return {
            "name": self.name,
            "spec_id": self.spec.id,
            "img_size": self.img_size,
            "params": self.costs.params,
            "macs": self.costs.macs,
            "activations": self.costs.activations,
            "attention_macs": self.costs.attention_macs,
            "convention": CONVENTION,
            "peak_mb": self.peak_mb,
            "latency": [
                asdict(latency) | {"predicted_ms": predicted}
                for latency, predicted in zip(self.latency, self.predicted_ms, strict=True)
            ],
            "parts": [asdict(part) for part in self.parts],
            "host": fingerprint(),
        }


def read_spec(text: str) -> tuple[str, Spec]:
    """Return name and spec for an anchor's id, a path to a spec's JSON, or the JSON itself.

    Raises:
        InputError: there is no such anchor or file, the row has no spec, or the JSON is no spec.
    """
    if text.lstrip().startswith("{"):
        spec = Spec.from_json(text)
        return spec.id, spec
    if text.endswith(".json"):
        path = Path(text)
        if not path.is_file():
            raise InputError(f"a path ending in .json is a file, but there is none at {text!r}")
        return path.stem, Spec.from_json(path.read_text())
    row = anchor(text)
    if row.spec is None:
        raise InputError(f"anchor {text!r} has no spec to profile: {row.unreproduced or 'it is a peer'}")
    return row.id, row.spec


def profile(name: str, spec: Spec, settings: Sequence[LatencySettings], img_size: int = 224) -> Profile:
    """Cost a network, time it on each setting, and time its parts.

    Raises:
        InputError: the image is too small, or a back end is not installed.
    """
    costs = cost(spec, img_size)
    network = build(spec, img_size=img_size).eval()
    milliseconds = _part_milliseconds(network, img_size)
    parts = [PartProfile(part, c.params, c.macs, milliseconds.get(part)) for part, c in costs.breakdown()]
    latency = [measure(spec, setting) for setting in settings]
    predicted = [_predicted(spec, setting) for setting in settings]
    return Profile(name, spec, img_size, costs, parts, latency, predicted, peak_memory())


def _predicted(spec: Spec, settings: LatencySettings) -> float | None:
    calibrated = (settings.threads, settings.batch, settings.dtype, settings.img_size) == (1, 1, "float32", 224)
    predictor = host_predictor(settings.backend) if calibrated else None
    return None if predictor is None else float(predictor.predict([spec])[0])


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def named_parts(network: Network) -> list[tuple[str, nn.Module]]:
    """Return the modules that are parts, named as `Cost.breakdown` names them."""
    parts: list[tuple[str, nn.Module]] = [("stem", network.stem)]
    for i, stage in enumerate(network.stages, start=1):
        if stage.downsample is not None:
            parts.append((f"stage {i} downsample", stage.downsample))  # type: ignore[arg-type]
        parts += [(f"stage {i} block {j}", block) for j, block in enumerate(stage.blocks, start=1)]  # type: ignore[arg-type]
    return [*parts, ("head", network.head)]


def _part_milliseconds(network: Network, img_size: int) -> dict[str, float]:
    """Time the parts as they run in the network: median of the runs, one pinned thread, batch 1."""
    clocks = {name: _Clock() for name, _ in named_parts(network)}
    for name, module in named_parts(network):
        module.register_forward_pre_hook(clocks[name].start)
        module.register_forward_hook(clocks[name].stop)
    image = torch.zeros(1, 3, img_size, img_size)
    with pinned(1), torch.inference_mode():
        for _ in range(_RUNS):
            network(image)
            for clock in clocks.values():
                clock.end_run()
    return {name: float(np.median(clock.runs[3:])) for name, clock in clocks.items()}


class _Clock:
    """Milliseconds of a module, run after run; within a run it may be called more than once."""

    def __init__(self) -> None:
        self.runs: list[float] = []
        self._began = self._spent = 0.0

    def start(self, *_: object) -> None:
        self._began = time.perf_counter()

    def stop(self, *_: object) -> None:
        self._spent += time.perf_counter() - self._began

    def end_run(self) -> None:
        self.runs.append(1e3 * self._spent)
        self._spent = 0.0
