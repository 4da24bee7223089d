"""The published models in timm's registry: ``timm.create_model("msg_tiny")`` after ``import vitspace.families``.

No weights are published with VitSpace, and ``pretrained_cfg`` says so: it has no URL.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import nn

from vitspace.anchors import anchor, list_anchors
from vitspace.costs.networks import count_body
from vitspace.image_sizes import ImageSize, sides
from vitspace.network import build, first_conv


def _config(name: str) -> dict[str, Any]:
    row = anchor(name)
    assert row.spec is not None
    resolution = row.resolution
    return {
        "url": "",
        "num_classes": 1000,
        "input_size": (3, resolution, resolution),
        "pool_size": (resolution // row.spec.stride,) * 2,
        "fixed_input_size": False,
        "interpolation": "bicubic",
        "crop_pct": 0.875,
        "mean": IMAGENET_DEFAULT_MEAN,
        "std": IMAGENET_DEFAULT_STD,
        "first_conv": first_conv(row.spec),
        "classifier": "head.fc",
        "paper_name": row.source,
    }


default_cfgs = generate_default_cfgs({name: _config(name) for name in list_anchors("anchor")})


def _entrypoint(name: str) -> Callable[..., nn.Module]:
    def create(pretrained: bool = False, img_size: ImageSize | None = None, **kwargs: Any) -> nn.Module:
        row = anchor(name)
        spec, size = row.spec, sides(row.resolution if img_size is None else img_size)
        assert spec is not None
        # Weights are of the published windows, which are padded at another size.
        spec = spec if pretrained else spec.at(size, row.resolution)
        features = {"out_indices": (0, 1, 2, 3), "feature_cls": "getter"}
        make = partial(build, spec, img_size=size)
        network: Any = build_model_with_cfg(make, name, pretrained, feature_cfg=features, **kwargs)
        if img_size is not None:
            sized = {"input_size": (3, *size), "pool_size": count_body(spec, size).maps[-1][2:]}
            network.pretrained_cfg = network.default_cfg = network.pretrained_cfg | sized
        made: nn.Module = network
        return made

    create.__name__ = create.__qualname__ = name
    create.__doc__ = f"{name}: {anchor(name).source}; windows follow img_size, a side or (height, width)."
    return create


for _name in list_anchors("anchor"):
    setattr(sys.modules[__name__], _name, register_model(_entrypoint(_name)))
