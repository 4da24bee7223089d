"""Makes a kit: networks of a space as ONNX files, and a script that times them on another device."""

import hashlib
import inspect
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import nn

from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.files import write_json
from vitspace.folders import check_folder, contents, owning, whole_folder
from vitspace.image_sizes import ImageSize, sides
from vitspace.latency import REFERENCE, check_backend, time_kit
from vitspace.latency.backends import onnx_model
from vitspace.latency.devices import BACKEND, FEWEST, keep, kits_folder
from vitspace.latency.kit import FORMAT, LIST, SCRIPT
from vitspace.network import build
from vitspace.profile.measurements import anchors_within
from vitspace.profile.pooled import WeightPool
from vitspace.space import Space, load_space
from vitspace.spec import Spec
from vitspace.tracking import Track, untracked

#: Larger designs are not timed, where no budget is given.
MOST_FLOPS = "..5G"
_REFERENCE_FILE = "reference.onnx"
_LIBRARIES = ("vitspace", "torch", "onnx", "onnxscript")


@dataclass(frozen=True)
class KitRequest:
    """What a kit is to hold.

    Attributes:
        space: Name of a space, or path to its YAML.
        count: Designs in all; up to half of them are the space's anchors.
        out: The folder to make.
        budget: FLOPs and params of the designs; None is up to 5 G.
        seed: Of the draws.
        img_size: Side of the image, or (height, width), pixels; None is what the space is written for.
    """

    space: str
    count: int
    out: Path
    budget: str | None = None
    seed: int = 0
    img_size: ImageSize | None = None


def make_kit(request: KitRequest, track: Track = untracked) -> dict[str, Any]:
    """Write a kit's folder, completely or not at all, and return its list.

    Takes half a minute a design. The list is kept among this user's data too, so that results are imported without it.

    Raises:
        InputError: the folder exists, too few designs are asked for, or what makes ONNX files is not installed.
    """
    check_backend(BACKEND)
    if request.count < FEWEST:
        raise InputError(f"a predictor is fitted to {FEWEST} designs or more, but got -n {request.count}")
    space, out = load_space(request.space, request.img_size), request.out
    check_folder(kits_folder(), "a kit's list")
    with owning(out, "a kit"):
        if contents(out):
            raise InputError(f"a kit makes a folder of its own, but {str(out)!r} is there and not empty; try --out")
        with whole_folder(out) as folder:
            kit = _written(request, space, folder, track)
            write_json(folder / LIST, kit)
            keep(kits_folder() / f"{kit['kit']}.json", kit)
    return kit


def kit_designs(space: Space, request: KitRequest) -> list[Spec]:
    """Return a kit's designs, anchors and balanced draws, in random order: the first of them are of all sizes."""
    limit = Budget.parse(request.budget or MOST_FLOPS)
    published = sorted(anchors_within(space, limit), key=lambda spec: cost(spec, space.resolution).macs)
    most = min(len(published), request.count // 2)
    chosen = [published[round(at)] for at in np.linspace(0, len(published) - 1, most)] if most else []
    drawn = space.draw(request.count - most, limit, request.seed, exclude=set(published), balanced=True)
    designs = [*chosen, *drawn]
    return [designs[at] for at in np.random.default_rng(request.seed).permutation(len(designs))]


class _Files:
    """The files of a kit, in a folder."""

    def __init__(self, folder: Path, img_size: ImageSize) -> None:
        self.folder, self.image, self.pool = folder, torch.zeros(1, 3, *sides(img_size)), WeightPool()

    def network(self, file: str, network: nn.Module) -> dict[str, Any]:
        """Write a network, and return its file's name and digest."""
        model = onnx_model(network, self.image)
        self.pool.take(model)
        (self.folder / file).write_bytes(model.SerializeToString())
        return self._entry(file)

    def weights(self) -> list[dict[str, Any]]:
        """Write the weights that the networks share, and return the files' names and digests."""
        return [self._entry(file) for file in self.pool.write(self.folder)]

    def _entry(self, file: str) -> dict[str, Any]:
        return {"file": file, "sha256": time_kit.digest(self.folder / file)}


def _written(request: KitRequest, space: Space, folder: Path, track: Track) -> dict[str, Any]:
    """Write the files of a kit but for its list, which is returned."""
    specs, files = kit_designs(space, request), _Files(folder, space.resolution)
    networks = []
    for number, spec in enumerate(track(specs, "exporting"), start=1):
        network = build(spec, img_size=space.resolution)
        entry = files.network(f"{number:03d}-{spec.family}-{spec.id}.onnx", network)
        macs = cost(spec, space.resolution).macs
        networks.append(entry | {"spec_id": spec.id, "macs": macs, "spec": spec.to_dict()})
    reference = files.network(_REFERENCE_FILE, timm.create_model(REFERENCE)) | {"name": REFERENCE}
    weights = files.weights()
    (folder / SCRIPT).write_text(inspect.getsource(time_kit), encoding="utf-8")
    digests = [space.resolution, *(each["sha256"] for each in [reference, *weights, *networks])]
    return {
        "format": FORMAT,
        "kit": hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:12],
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {name: version(name) for name in _LIBRARIES},
        "space": space.name,
        "img_size": space.resolution,
        "reference": reference,
        "weights": weights,
        "networks": networks,
    }
