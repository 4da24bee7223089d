"""A head that widens the last map by a 1x1 convolution before it pools."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from vitspace.layers.head import ClassifierHead
from vitspace.layers.init import init_weights
from vitspace.spec import Carry, HeadSpec, part


@part
class ConvHeadSpec(HeadSpec):
    """The head of several families.

    Attributes:
        width: Features before the classifier.
    """

    widths: ClassVar[Mapping[str, int]] = {"width": 1}

    width: int = 1280

    def build(self, in_dim: int, carry: Carry | None, num_classes: int) -> "ConvHead":
        """Return the module ``(x, carry, pre_logits) -> [B, num_classes]``."""
        return ConvHead(in_dim, self.width, num_classes)


class ConvHead(ClassifierHead):
    """LayerNorm, 1x1 convolution to F channels, BatchNorm, GELU, mean over the map, classifier.

    Args:
        dim: Channels C of the incoming map.
        width: Features F.
        num_classes: Classes; 0 leaves the features.
    """

    def __init__(self, dim: int, width: int, num_classes: int) -> None:
        super().__init__(width, num_classes)
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, width)
        self.bn = nn.BatchNorm2d(width)
        self.act = nn.GELU()
        self.apply(init_weights)

    def reset(self, num_classes: int) -> None:
        """Replace the classifier; 0 removes it."""
        super().reset(num_classes)
        init_weights(self.fc)

    def features(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W] -> [B, F, H, W]; the carry is not used."""
        # A 1x1 convolution is a linear layer over channels; after LayerNorm they stand last.
        x = self.expand(self.norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return self.act(self.bn(x))
