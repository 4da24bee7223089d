"""The feature pyramid of the toolboxes: 1x1 convolutions to one width, sums from the coarsest on, 3x3 convolutions.

Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017. torchvision's, which is mmdetection's and
mmsegmentation's too: biases, no norms, nearest neighbours.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

#: Channels of all levels.
WIDTH = 256


class FPN(FeaturePyramidNetwork):
    """Maps [B, C_i, H_i, W_i], from the finest on -> as many maps [B, 256, H_i, W_i], and those of ``extra``."""

    def __init__(self, dims: Sequence[int], extra: ExtraFPNBlock | None = None) -> None:
        super().__init__(list(dims), WIDTH, extra)

    def forward(self, *maps: Tensor) -> list[Tensor]:
        return list(super().forward(OrderedDict((str(i), each) for i, each in enumerate(maps))).values())


class NamedMaps(nn.Module):
    """A backbone and what follows it, as torchvision's detectors take them: [B, 3, H, W] -> maps by name.

    Args:
        body: [B, 3, H, W] -> maps.
        neck: Maps, one argument each -> maps.
    """

    def __init__(self, body: nn.Module, neck: nn.Module) -> None:
        super().__init__()
        self.body, self.neck = body, neck
        self.out_channels = WIDTH  # a detector that makes a head of its own reads it

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Return the neck's maps by their number."""
        return OrderedDict((str(i), each) for i, each in enumerate(self.neck(*self.body(x))))
