"""Makes designs narrower and shallower, and fits them to small images, for proxies that train.

What makes the design itself stays: regions, tokens, ratios, expansions, how many heads and groups a stage has, and how
many windows a map. Windows, grids and patches follow the image (`Spec.rescaled`), as far as whole numbers allow.
"""

from dataclasses import replace
from typing import Any, TypeVar

from torch import nn

from vitspace.errors import InputError
from vitspace.network import Network, build
from vitspace.proxies.recipe import TrainingProxy
from vitspace.spec import NATIVE_SIZE, Carry, HeadSpec, Spec, StageSpec, placed

_STEP = 4
Part = TypeVar("Part", StageSpec, HeadSpec)


def make_network(spec: Spec, proxy: TrainingProxy, num_classes: int) -> Network:
    """Build the network that the proxy trains: the shrunk spec, its stem of the proxy's stride.

    Raises:
        InputError: the design cannot be had at this size.
    """
    network = build(shrunk(spec, proxy), num_classes, proxy.img_size, drop_path_rate=proxy.drop_path)
    set_stem_stride(network.stem, spec.stem.stride, proxy.stem_stride)
    return network


def shrunk(spec: Spec, proxy: TrainingProxy) -> Spec:
    """Return the spec at the proxy's image size, width and depth.

    Raises:
        InputError: no width near the asked one keeps the design's rules.
    """
    if (proxy.width, proxy.depth) != (1.0, 1.0):
        spec = narrowed(spec, proxy.width, proxy.depth)
    return spec.rescaled(_map_ratio(spec, proxy))


def _map_ratio(spec: Spec, proxy: TrainingProxy) -> float:
    """Side of the proxy's maps over that of the design's."""
    return proxy.img_size / NATIVE_SIZE * (spec.stem.stride / proxy.stem_stride)


def narrowed(spec: Spec, width: float, depth: float) -> Spec:
    """Return the spec with its channels times ``width`` and its blocks times ``depth``, one at least.

    Channels are the whole number nearest to that, or where the stage's own rules do not allow it (heads, regions and
    splits divide), the nearest multiple of 4 that they do.

    Raises:
        InputError: there is none.
    """
    stages: list[StageSpec] = []
    carry: Carry | None = None
    for number, stage in enumerate(spec.stages, start=1):
        wanted = _scaled_fields(stage, width).changed(depth=max(1, int(stage.depth * depth + 0.5)))
        in_dim = stages[-1].out_dim if stages else None
        stages.append(_fitting(wanted, stage.dim * width, spec, number, in_dim, carry))
        carry = stages[-1].carry_out(carry)
    return replace(spec, stages=tuple(stages), head=_scaled_fields(spec.head, width))


def _fitting(
    stage: StageSpec, target: float, spec: Spec, number: int, in_dim: int | None, carry: Carry | None
) -> StageSpec:
    """Return the stage at the channels nearest to ``target`` that it can have at its place."""
    trouble: InputError | None = None
    multiples = range(_STEP, 2 * max(stage.dim, int(target)) + _STEP, _STEP)
    for dim in sorted([round(target), *multiples], key=lambda d: abs(d - target)):
        tried = stage.changed(dim=dim)
        try:
            return placed(tried, number, spec.stem.out_dim(tried) if in_dim is None else in_dim, carry)
        except InputError as error:
            trouble = trouble or error
    raise InputError(f"channels of about {target:g} keep the design's rules, but {trouble}")


def _scaled_fields(part: Part, width: float) -> Part:
    """Return a part with the widths that it has beside its channels scaled, so that heads and groups stay as many."""
    return part.changed(**{name: _scaled(getattr(part, name), width, div) for name, div in part.widths.items()})


def _scaled(value: int, width: float, divisor: int) -> int:
    exact, step = value * width, max(_STEP, divisor)
    return int(exact) if exact >= 1 and exact % divisor == 0 else max(step, round(exact / step) * step)


def set_stem_stride(stem: nn.Module, stride: int, wanted: int) -> None:
    """Give a stem of ``stride`` a smaller one: its last strided layers keep their weights and stride less.

    Raises:
        InputError: the stem's layers cannot be strided so.
    """
    for layer in reversed(list(stem.modules())):
        if stride > wanted and isinstance(layer, nn.Conv2d | nn.MaxPool2d) and (own := _side(layer.stride)) > 1:
            new = max(1, own * wanted // stride)
            stride = stride * new // own
            _restride(layer, own, new)
    if stride != wanted:
        raise InputError(f"stem_stride is at most the stem's {stride}, but got {wanted}")


def _restride(layer: nn.Conv2d | nn.MaxPool2d, old: int, new: int) -> None:
    kernel = _side(layer.kernel_size)
    if isinstance(layer, nn.Conv2d) and kernel == old:  # plain patches stay side by side
        smaller = nn.Conv2d(layer.in_channels, layer.out_channels, new, new, bias=layer.bias is not None)
        layer.kernel_size, layer.weight = smaller.kernel_size, smaller.weight
    elif isinstance(layer, nn.Conv2d):
        layer.padding = (kernel // 2, kernel // 2)
    layer.stride = (new, new)


def _side(value: Any) -> int:
    return value if isinstance(value, int) else value[0]


def rescaled_settings(spec: Spec, proxy: TrainingProxy) -> dict[str, list[Any]]:
    """Return the settings, stage by stage, that the proxy's network has other than the spec."""
    small = shrunk(spec, proxy)
    pairs = list(zip(spec.stages, small.stages, strict=True))
    names = list(dict.fromkeys(name for a, _ in pairs for name in a.to_dict()))
    changed = [name for name in names if any(getattr(a, name, None) != getattr(b, name, None) for a, b in pairs)]
    return {name: [getattr(stage, name, None) for stage in small.stages] for name in changed}
