"""The network of a backbone and a head of segmentation, which resizes the head's scores to the image."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """[B, C, H, W] -> [B, C, *size], bilinearly."""
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


class Segmenter(nn.Module):
    """A backbone and a head of segmentation: normalised images [B, 3, H, W] -> scores of classes [B, K, H, W].

    In training, a head with an auxiliary output gives two of that shape, and the network a tuple of them.

    Attributes:
        num_classes: K.
    """

    def __init__(self, pyramid: nn.Module, head: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.backbone, self.head, self.num_classes = pyramid, head, num_classes

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        size = (x.shape[2], x.shape[3])
        scores = self.head(*self.backbone(x))
        return tuple(resize(each, size) for each in scores) if isinstance(scores, tuple) else resize(scores, size)
