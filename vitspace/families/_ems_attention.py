"""The two attentions of EMSNet's dynamic operator, each among patches of its channels."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.errors import InputError
from vitspace.layers.overlapped import overlapped_attention
from vitspace.layers.propagation import Propagation

LOCAL_KERNEL, LOCAL_STRIDE = 3, 2


class LocalAttention(nn.Module):
    """C-MHSA, eqs. 3.7, 3.9 and 3.10: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, dim: int, patch: int, expansion: int, head_dim: int) -> None:
        super().__init__()
        self.patch, width = patch, dim * expansion
        self.num_heads = head_count(width, head_dim)
        self.embed = nn.Conv2d(dim, width, 1, bias=False)
        self.shrink = nn.Conv2d(width, width, 3, stride=LOCAL_STRIDE, padding=1, groups=width, bias=False)
        self.scores = nn.Conv2d(width, self.num_heads * LOCAL_KERNEL**4, 1)
        self.value = nn.Conv2d(width, width, 1, bias=False)
        self.proj = nn.Conv2d(width, width, 1, bias=False)
        self.prop = Propagation(dim, expansion, patch)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(average(x, self.patch))
        scores = self.scores(self.shrink(tokens))
        out = overlapped_attention(scores, self.value(tokens), self.num_heads, LOCAL_KERNEL, LOCAL_STRIDE)
        return self.prop(self.proj(out), *x.shape[2:])


class GlobalAttention(nn.Module):
    """G-MHSA, eq. 3.6, among all patches: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, dim: int, patch: int, expansion: int, head_dim: int) -> None:
        super().__init__()
        self.patch, width = patch, dim * expansion
        self.num_heads = head_count(width, head_dim)
        self.embed = nn.Conv2d(dim, width, 1, bias=False)
        self.qkv = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.proj = nn.Conv2d(width, width, 1, bias=False)
        self.prop = Propagation(dim, expansion, patch)

    def forward(self, x: Tensor) -> Tensor:
        out = self.attend(self.qkv(self.embed(average(x, self.patch))))
        return self.prop(self.proj(out), *x.shape[2:])

    def attend(self, qkv: Tensor) -> Tensor:
        """[B, 3 C, rows, cols] -> [B, C, rows, cols]."""
        width, (rows, cols) = self.proj.in_channels, qkv.shape[2:]
        heads = (-1, self.num_heads, width // self.num_heads, rows * cols)
        q_BHND, k_BHND, v_BHND = (part.reshape(heads).transpose(2, 3) for part in qkv.chunk(3, dim=1))
        out_BHND = F.scaled_dot_product_attention(q_BHND, k_BHND, v_BHND)
        return out_BHND.transpose(2, 3).reshape(-1, width, rows, cols)


def check_heads(width: int, head_dim: int) -> None:
    """Raise InputError where the heads do not divide an attention's channels."""
    if width % head_count(width, head_dim):
        rule = "max(1, width // head_dim) heads must divide an attention's width"
        raise InputError(f"{rule}, but got width={width}, head_dim={head_dim}")


def head_count(width: int, head_dim: int) -> int:
    """H of an attention of so many channels."""
    return max(1, width // head_dim)


def average(x: Tensor, patch: int) -> Tensor:
    """Mean of each patch, of its real pixels at the edge: [B, C, H, W] -> [B, C, rows, cols]."""
    return F.avg_pool2d(x, patch, ceil_mode=True, count_include_pad=False)
