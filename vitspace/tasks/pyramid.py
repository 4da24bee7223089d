"""Backbones: a network's four maps, from a spec of ours or from timm.

They lie at strides 4, 8, 16 and 32; of a spec whose last stages do not halve the map, as the published VT-ResNets, at
less.
"""

import inspect
from difflib import get_close_matches
from typing import Any, get_type_hints

import timm
import torch.nn.functional as F  # noqa: N812
from timm.layers import Format
from timm.models import model_entrypoint
from torch import Tensor, nn

from vitspace.anchors import all_anchors
from vitspace.errors import InputError, shown
from vitspace.network import Network
from vitspace.spec import Spec

#: Pixels of the image a side of one position of each map of a network of timm, and of most specs.
STRIDES = (4, 8, 16, 32)

#: A spec of ours, or timm's name of a network; ``resnet50:caffe`` has its strides in the 1x1 convolutions.
Backbone = Spec | str
#: Ends the name of a ResNet whose strides lie in the first 1x1 convolution of a bottleneck, as in the first release.
CAFFE = ":caffe"


class Pyramid(nn.Module):
    """A backbone: [B, 3, H, W] -> four maps [B, C_i, H_i, W_i], from the finest on.

    Attributes:
        dims: Channels of each map.
    """

    dims: list[int]


class SpecPyramid(Pyramid):
    """The four stages of a network of ours, and its stem; parameters have the names of `vitspace.network.Network`."""

    def __init__(self, spec: Spec, drop_path_rate: float = 0.0) -> None:
        super().__init__()
        network = Network(spec, num_classes=0, drop_path_rate=drop_path_rate)
        self.stem, self.stages = network.stem, network.stages
        self.dims = [info["num_chs"] for info in network.feature_info]

    def forward(self, x: Tensor) -> list[Tensor]:
        x, carry, maps = self.stem(x), None, []
        for stage in self.stages:
            x, carry = stage(x, carry)
            maps.append(x)
        return maps


class TimmPyramid(Pyramid):
    """A network of timm.

    Images of networks of patches are padded to whole patches of 4, as mmdetection does; MaxViT's to whole windows.

    Args:
        name: Its name there, ``resnet50`` or ``swin_tiny_patch4_window7_224``.
        img_size: Height and width, for networks that are built for one size.
        drop_path_rate: Stochastic depth.

    Raises:
        InputError: timm's network puts out no maps at strides 4, 8, 16 and 32.
    """

    def __init__(self, name: str, img_size: tuple[int, int], drop_path_rate: float = 0.0) -> None:
        super().__init__()
        name, caffe = name.removesuffix(CAFFE), name.endswith(CAFFE)
        settings: dict[str, Any] = {"drop_path_rate": drop_path_rate} if drop_path_rate else {}
        config = timm.get_pretrained_cfg(name)
        try:
            if config is not None and config.fixed_input_size:
                self.network, self.multiple = _for_size(name, img_size, settings)
            else:
                self.network, self.multiple = timm.create_model(name, features_only=True, **settings), 1
        except (RuntimeError, AttributeError, TypeError) as error:
            raise InputError(f"timm's {name} is no backbone: {error}") from None
        info: Any = self.network.feature_info
        reductions = info.reduction()
        _check_strides(reductions, name)
        self.chosen = [index for index, stride in enumerate(reductions) if stride in STRIDES]
        self.dims = [info.channels()[index] for index in self.chosen]
        self.channels_last = Format(self.network.output_fmt) is Format.NHWC
        if caffe:
            _stride_first(self.network, name)

    def forward(self, x: Tensor) -> list[Tensor]:
        if self.multiple > 1:
            x = F.pad(x, (0, -x.shape[3] % self.multiple, 0, -x.shape[2] % self.multiple))
        maps = self.network(x)
        maps = [maps[index] for index in self.chosen]
        return [each.permute(0, 3, 1, 2).contiguous() for each in maps] if self.channels_last else maps


def _for_size(name: str, img_size: tuple[int, int], settings: dict[str, Any]) -> tuple[nn.Module, int]:
    """Return timm's network for a size, and what sides of images are padded to multiples of.

    Windows that timm does not pad, as MaxViT's, divide the maps where sides are multiples of the last stride. Classes
    that pad them take ``strict_img_size``; timm's functions by name are annotated with their class.
    """
    kind = get_type_hints(model_entrypoint(name)).get("return", object)
    pads = "strict_img_size" in inspect.signature(kind).parameters
    multiple = STRIDES[0] if pads else STRIDES[-1]
    settings = settings | {"img_size": tuple(side + -side % multiple for side in img_size)}
    settings |= {"strict_img_size": False} if pads else {}
    return timm.create_model(name, features_only=True, **settings), multiple


def build_pyramid(backbone: Backbone, img_size: tuple[int, int], drop_path_rate: float = 0.0) -> Pyramid:
    """Return the backbone of a spec, or of a network of timm.

    Raises:
        InputError: there is no such network, or it puts out no four maps.
    """
    check_backbone(backbone)
    if isinstance(backbone, Spec):
        return SpecPyramid(backbone, drop_path_rate)
    return TimmPyramid(backbone, img_size, drop_path_rate)


def check_backbone(backbone: Backbone) -> None:
    """Check that there is such a network, and that a spec has four stages.

    Raises:
        InputError: there is none, or it has not.
    """
    if isinstance(backbone, Spec):
        if len(backbone.stages) != len(STRIDES):
            raise InputError(f"a dense task takes {len(STRIDES)} maps, but the spec has {len(backbone.stages)} stages")
        return
    if not isinstance(backbone, str):
        raise InputError(f"a backbone is a spec, or timm's name of a network, but got {shown(backbone)}")
    name = backbone.removesuffix(CAFFE)
    if name in all_anchors() and all_anchors()[name].role != "peer":
        raise InputError(
            f"a published design is handed over as its spec, vitspace.anchor({name!r}).spec, but got its id {name!r}"
        )
    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise InputError(f"a backbone is a spec, or timm's name of a network, but got {shown(name)}{hint}")


def _check_strides(strides: list[int], name: str) -> None:
    if not set(STRIDES) <= set(strides):
        raise InputError(f"a dense task takes maps at strides {STRIDES}, but those of {name} lie at {tuple(strides)}")


def _stride_first(network: Any, name: str) -> None:
    """Move the strides of a ResNet's bottlenecks from the 3x3 convolution to the 1x1 before it."""
    blocks = [module for module in network.modules() if hasattr(module, "conv3") and hasattr(module, "conv2")]
    if not blocks:
        raise InputError(f"{CAFFE} is for ResNets of bottlenecks, but got {shown(name)}")
    for block in blocks:
        block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
