"""An MLP that sees its neighbours by a depthwise convolution between its two layers."""

from torch import Tensor, nn

from vitspace.layers.kept import folds
from vitspace.layers.pointwise import gelu_


class ConvMlp(nn.Module):
    """[B, H, W, C] -> [B, H, W, C]: 1x1 convolution to the hidden width, 3x3 depthwise, GELU, 1x1 convolution back.

    The map comes with channels last, as LayerNorm leaves it. The layers are convolutions because onnxruntime then
    transposes C channels instead of the hidden width; eager PyTorch is as fast either way.

    Args:
        dim: Channels C.
        hidden_dim: Hidden width.
        depthwise: Whether there is a depthwise convolution.
    """

    def __init__(self, dim: int, hidden_dim: int, depthwise: bool = True) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(dim, hidden_dim, 1)
        self.dwconv = nn.Conv2d(hidden_dim, hidden_dim, 3, padding=1, groups=hidden_dim) if depthwise else None
        self.act = nn.GELU()
        self.fc2 = nn.Conv2d(hidden_dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x.permute(0, 3, 1, 2))
        if self.dwconv is not None:
            x = self.dwconv(x)
        x = gelu_(x) if folds(self, x) else self.act(x)
        return self.fc2(x).permute(0, 2, 3, 1)
