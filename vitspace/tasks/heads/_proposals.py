"""What the detectors of two steps share: the feature pyramid, the proposals, the heads on regions."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from vitspace.tasks.heads._pyramids import FPN, WIDTH, NamedMaps
from vitspace.tasks.pyramid import Pyramid

#: Regions whose boxes and whose masks are predicted when costs are counted, as mmdetection's counter takes them.
REGIONS, MASKED_REGIONS = 1000, 100
#: Sides in positions of what is cut out of the maps for a region's box and for its mask.
BOX_SIDE, MASK_SIDE = 7, 14
ANCHORS = 3
#: Channels of fully connected layers.
HIDDEN = 1024


class BoxHead(nn.Module):
    """Regions [N, 256, 7, 7] -> class scores [N, K + 1] and boxes [N, 4 (K + 1)], the background first."""

    def __init__(self, num_classes: int, hidden: nn.Module) -> None:
        super().__init__()
        self.hidden, self.predictor = hidden, FastRCNNPredictor(HIDDEN, num_classes + 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.predictor(self.hidden(x))


class MaskHead(nn.Module):
    """Regions [N, 256, 14, 14] -> masks [N, K + 1, 28, 28]."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.hidden = MaskRCNNHeads(WIDTH, (WIDTH,) * 4, 1)
        self.predictor = MaskRCNNPredictor(WIDTH, WIDTH, num_classes + 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.predictor(self.hidden(x))


def linear_box_head(num_classes: int) -> BoxHead:
    """Return a box head of two fully connected layers."""
    return BoxHead(num_classes, TwoMLPHead(WIDTH * BOX_SIDE**2, HIDDEN))


def convolutional_box_head(num_classes: int) -> BoxHead:
    """Return a box head of four 3x3 convolutions with BatchNorm and a fully connected layer."""
    region = (WIDTH, BOX_SIDE, BOX_SIDE)
    return BoxHead(num_classes, FastRCNNConvFCHead(region, [WIDTH] * 4, [HIDDEN], nn.BatchNorm2d))


class RegionHead(nn.Module):
    """The pyramid, proposals, and heads on 1,000 regions for boxes and 100 for masks, as costs are counted.

    Its network cuts as many regions out of the maps as it proposes and detects.

    Args:
        dims: Channels of the backbone's maps.
        num_classes: Classes, without the background.
        steps: Box and mask heads, one after the other.
        box_head: Makes a box head.
    """

    def __init__(self, dims: Sequence[int], num_classes: int, steps: int, box_head: Callable[[int], BoxHead]) -> None:
        super().__init__()
        self.neck, self.rpn = FPN(dims, LastLevelMaxPool()), RPNHead(WIDTH, ANCHORS)
        self.boxes = nn.ModuleList(box_head(num_classes) for _ in range(steps))
        self.masks = nn.ModuleList(MaskHead(num_classes) for _ in range(steps))

    def forward(self, *maps: Tensor) -> list[Tensor]:
        """Maps [1, C_i, H_i, W_i] -> the masks of 100 regions by each step."""
        levels = self.neck(*maps)
        self.rpn(levels)
        for box in self.boxes:
            box(levels[0].new_zeros(REGIONS, WIDTH, BOX_SIDE, BOX_SIDE))
        return [mask(levels[0].new_zeros(MASKED_REGIONS, WIDTH, MASK_SIDE, MASK_SIDE)) for mask in self.masks]


def mask_rcnn(pyramid: Pyramid, head: RegionHead, img_size: tuple[int, int]) -> MaskRCNN:
    """Return torchvision's detector of a backbone and the first step of a head."""
    box, mask = head.boxes[0], head.masks[0]
    return MaskRCNN(
        NamedMaps(pyramid, head.neck),
        min_size=min(img_size),
        max_size=max(img_size),
        rpn_head=head.rpn,
        box_head=box.hidden,
        box_predictor=box.predictor,
        mask_head=mask.hidden,
        mask_predictor=mask.predictor,
    )
