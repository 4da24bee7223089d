"""Designs that the conformance tests build, found through the spaces alone: a new family needs no line here."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from randoms import random_designs
from torch import Tensor, nn

from vitspace.anchors import Anchor, anchor, list_anchors
from vitspace.families import FAMILIES
from vitspace.files import data_names
from vitspace.latency.backends import onnx_model
from vitspace.network import Network, build
from vitspace.space import InvalidDesign, Space, Variable, load_space
from vitspace.spec import Spec

load = cache(load_space)
#: Spaces of one family, as every family has one.
SPACES = [name for name in data_names("spaces") if name in FAMILIES]
ROWS = [name for role in ("anchor", "ablation") for name in list_anchors(role) if anchor(name).spec]
ANCHORS = list_anchors("anchor")
#: The first anchor of every family, its smallest.
SMALL_ANCHORS = [next(name for name in ANCHORS if anchor(name).family == family) for family in FAMILIES]

#: Scores of `lively` anchors are 0.2 to 1.2 and differ by 0.07 and more from image to image.
PARITY = {"rtol": 1e-4, "atol": 1e-4}

#: How many of the first values of an axis small designs draw from.
SMALL = {"dim": 1, "depth": 2}

AXES = [(name, axis) for name in SPACES for axis in load(name).config.axes]


@cache
def small_designs(name: str, count: int = 5) -> tuple[Spec, ...]:
    """The first anchor made narrow and shallow, the design of first values, then random ones as narrow and shallow."""
    space, rng = load(name), np.random.default_rng(0)
    found: dict[Spec, None] = {}

    def draw(variable: Variable) -> Any:
        return variable.values[rng.integers(min(len(variable.values), SMALL.get(variable.field, 99)))]

    def keep(pick: Callable[[Variable], Any]) -> None:
        with suppress(InvalidDesign):
            found[space.decode(space.choose(pick))] = None

    for width in range(20):
        if not found and space.anchors():
            keep(_narrow(space.encode(_spec(space.anchors()[0])), width))
    keep(lambda variable: variable.values[0])
    for _ in range(20_000):
        if len(found) < count:
            keep(draw)
    return tuple(found)


def _narrow(params: dict[str, Any], width: int) -> Callable[[Variable], Any]:
    """Pick what an anchor has, but the width of that rank and at most two blocks a stage."""

    def pick(variable: Variable) -> Any:
        value, rank = params.get(variable.name, variable.values[0]), {"dim": width, "depth": 1}.get(variable.field, 99)
        return min(value, variable.values[min(rank, len(variable.values) - 1)]) if variable.field in SMALL else value

    return pick


@cache
def hybrids(count: int) -> list[Spec]:
    """Random small designs of stages of different families."""
    return random_designs(load("hybrid"), count, first=SMALL)


def lively(spec: Spec) -> Network:
    """A network of its own as `small_network` gives it, which a test may change."""
    return deepcopy(small_network(spec))


@cache
def small_network(spec: Spec) -> Network:
    """The network of a small design, `lively_at` images of 60x52, for tests that leave it as it is."""
    with torch.random.fork_rng(devices=[]):  # a test draws the same numbers, whether it is the first to ask or not
        return lively_at(spec, 60, 52)


@torch.no_grad()
def lively_at(spec: Spec, height: int, width: int) -> Network:
    """A network in evaluation mode, of weights at which every part shows in its scores, statistics of such images."""
    torch.manual_seed(0)
    network = build(spec, num_classes=5)
    for name, parameter in network.named_parameters():
        of_norm = parameter.ndim == 1 and name.endswith("weight")
        # A gain of 1 makes attention so sharp that rounding in single precision decides the scores.
        std = 0.1 if parameter.ndim == 1 else 0.7 * parameter[0].numel() ** -0.5
        nn.init.normal_(parameter, float(of_norm), std)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()(torch.randn(4, 3, height, width))
    return network.eval()


@torch.no_grad()
def onnx_scores(spec: Spec, side: int, path: Path) -> list[tuple[Tensor, Tensor]]:
    """Export a `lively` network; its scores in onnxruntime and PyTorch, for batches of 1, 2 and 3."""
    from onnxruntime import InferenceSession

    model = lively_at(spec, side, side)
    # An example of one image would make the batch a constant.
    names = {"input_names": ["image"], "output_names": ["scores"]}
    proto = onnx_model(model, torch.zeros(2, 3, side, side), dynamic_shapes=({0: torch.export.Dim("batch")},), **names)
    path.write_bytes(proto.SerializeToString())
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    images = [torch.randn(batch, 3, side, side) for batch in (1, 2, 3)]
    return [(torch.from_numpy(session.run(None, {"image": x.numpy()})[0]), model(x)) for x in images]


def at_most(depth: int, spec: Spec) -> Spec:
    """The spec with so many blocks a stage at most."""
    return replace(spec, stages=tuple(stage.changed(depth=min(depth, stage.depth)) for stage in spec.stages))


@cache
def draws(name: str, count: int = 2) -> tuple[Spec, ...]:
    """Random designs of any size."""
    return tuple(random_designs(load(name), count, seed=1))


def at_end(name: str, axis: str, end: int) -> tuple[list[Spec], list[str]]:
    """Designs with an axis at its first or last value, 0 or -1, and the refusals where there is none.

    All stages together if that is a design, otherwise each stage alone.
    """
    space = load(name)
    variables = [v for v in space.variables if v.name.rpartition(".")[0] == axis or v.name == axis]
    together, refusal = _first_valid(space, {v.name: v.values[end] for v in variables})
    if together or len(variables) == 1:
        return [together] if together else [], [refusal] if refusal else []
    alone = [_first_valid(space, {v.name: v.values[end]}) for v in variables]
    return [spec for spec, _ in alone if spec], [refusal for _, refusal in alone if refusal]


def _first_valid(space: Space, wanted: dict[str, Any]) -> tuple[Spec | None, str]:
    refusal = ""
    for base in _bases(space):
        try:
            return space.decode(space.choose(_picker(space, wanted, base))), ""
        except InvalidDesign as error:
            refusal = refusal or str(error)
    return None, refusal


@cache
def _bases(space: Space) -> tuple[dict[str, Any], ...]:
    """What the other axes are: first values, then those of small designs, then those of anchors."""
    specs = [*small_designs(space.name), *(row.spec for row in space.anchors())]
    return ({}, *(space.encode(spec) for spec in specs))


def _picker(space: Space, wanted: dict[str, Any], base: dict[str, Any]) -> Callable[[Variable], Any]:
    """Pick what is wanted and what makes it mean something, the rest from a base."""
    chosen, known = dict(wanted), {variable.name: variable.values for variable in space.variables}
    for variable in reversed(space.variables):
        for name, values in variable.when if variable.name in chosen else ():
            open_values = [value for value in (base.get(name), *known[name]) if value in values]
            chosen.setdefault(name, open_values[0])
    return lambda variable: chosen.get(variable.name, base.get(variable.name, variable.values[0]))


def _spec(row: Anchor) -> Spec:
    assert row.spec is not None
    return row.spec


def assert_near(got: Iterable[Tensor], expected: Iterable[Tensor], tolerance: float = 1e-5) -> None:
    """Pairs of tensors differ by at most that share of the largest element."""
    for one, other in zip(got, expected, strict=True):
        error, largest = (one - other).abs().max(), other.abs().max()
        assert error <= tolerance * largest, f"{error:.2g} off, where the largest element is {largest:.2g}"
