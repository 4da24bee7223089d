"""What the segmentation heads share: their convolutions, and the network that resizes their scores to the image."""

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def conv_norm_act(
    in_dim: int, dim: int, kernel: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d
) -> nn.Sequential:
    """Convolution without bias, norm, ReLU: [B, C_in, H, W] -> [B, C, H, W]."""
    return nn.Sequential(
        nn.Conv2d(in_dim, dim, kernel, padding=kernel // 2, bias=False), norm(dim), nn.ReLU(inplace=True)
    )


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """[B, C, H, W] -> [B, C, *size], bilinearly."""
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


class Segmenter(nn.Module):
    """A backbone and a head of segmentation: normalised images [B, 3, H, W] -> scores of classes [B, K, H, W].

    In training, a head with an auxiliary output gives two of that shape, and the network a tuple of them.
    """

    def __init__(self, pyramid: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = pyramid, head

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        size = (x.shape[2], x.shape[3])
        scores = self.head(*self.backbone(x))
        return tuple(resize(each, size) for each in scores) if isinstance(scores, tuple) else resize(scores, size)
