"""The parts of a visual transformer: tokenizers, token relations, projector.

Wu et al., "Visual Transformers: Where Do Transformers Really Belong in Vision Models?", ICCV 2021; equations and
tables are the paper's. Maps are [B, C, H, W] with N = HW pixels, tokens [B, L, CT]. Convolutions on pixels have
groups of ``group_width`` channels. Where two widths are equal the linear map between them is the identity. Tokens are
normalised where they are made and where they change.
`vitspace.families.vt` says what the paper leaves open.
"""

from math import gcd, isqrt

import torch
import torch.nn.functional as F  # noqa: N812
from timm.layers import DropPath, lecun_normal_, trunc_normal_
from torch import Tensor, nn

QKV_GROUPS = 4


class GroupedLinear(nn.Module):
    """A 1x1 convolution in groups, as one batched matrix product: [B, C_in, N] -> [B, C, N].

    Args:
        in_dim: Channels C_in.
        dim: Channels C.
        groups: Their groups, dividing both.
    """

    def __init__(self, in_dim: int, dim: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(groups, dim // groups, in_dim // groups))

    def forward(self, x: Tensor) -> Tensor:
        return (self.weight @ x.unflatten(1, (len(self.weight), -1))).flatten(1, 2)


class Tokenizer(nn.Module):
    """Eq. 1 or 2: tokens are means of the pixels' values, weighted by `attention`.

    Args:
        in_dim: Channels C of the map.
        token_dim: Channels CT of the tokens.
        group_width: Channels of a group of the value convolution.
    """

    def __init__(self, in_dim: int, token_dim: int, group_width: int) -> None:
        super().__init__()
        self.value = _grouped(in_dim, in_dim, group_width)
        self.token = _linear(in_dim, token_dim)

    def attention(self, x: Tensor, tokens: Tensor | None) -> Tensor:
        """[B, C, H, W], [B, L, CT] | None -> [B, L, HW], each token's weights summing to one over the pixels."""
        raise NotImplementedError

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        """[B, C, H, W], [B, L, CT] | None -> [B, L, CT]."""
        value_BCN = self.value(x.flatten(2))
        return normalise(self.token(self.attention(x, tokens) @ value_BCN.mT))


class FilterTokenizer(Tokenizer):
    """Eq. 1: the weights are a learned convolution of the map; earlier tokens are not looked at."""

    def __init__(self, in_dim: int, token_dim: int, group_width: int, tokens: int) -> None:
        super().__init__(in_dim, token_dim, group_width)
        self.coefficient = nn.Conv2d(in_dim, tokens, 1, bias=False)

    def attention(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        return self.coefficient(x).flatten(2).softmax(-1)


class ClusteringTokenizer(Tokenizer):
    """Appendix C: the weights are the pixels' products with the centroids of a k-means over them."""

    def __init__(self, in_dim: int, token_dim: int, group_width: int, tokens: int) -> None:
        super().__init__(in_dim, token_dim, group_width)
        self.grid = token_grid(tokens)

    def attention(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        return (centroids(x.detach(), self.grid) @ x.flatten(2)).softmax(-1)


class RecurrentTokenizer(Tokenizer):
    """Eq. 2: the weights are the map's products with queries made of the tokens before.

    The first ``fresh`` tokens are made anew and follow the rest.
    """

    def __init__(self, in_dim: int, token_dim: int, group_width: int, fresh: int) -> None:
        super().__init__(in_dim, token_dim, group_width)
        self.scale = in_dim**-0.5
        self.fresh = fresh
        self.query = nn.Linear(token_dim, in_dim, bias=False)
        self.key = _grouped(in_dim, in_dim, group_width)

    def attention(self, x: Tensor, tokens: Tensor | None) -> Tensor:
        query_BLC = self.query(tokens) * self.scale
        return (query_BLC @ self.key(x.flatten(2))).softmax(-1)

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        assert tokens is not None
        made = super().forward(x, tokens[:, : self.fresh])
        return torch.cat([tokens[:, self.fresh :], made], dim=1)


class PoolingTokenizer(nn.Module):
    """Table 3: the map resized to a grid of L pixels: [B, C, H, W] -> [B, L, CT]."""

    def __init__(self, in_dim: int, token_dim: int, tokens: int) -> None:
        super().__init__()
        self.grid = token_grid(tokens)
        self.token = _linear(in_dim, token_dim)

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        return normalise(self.token(resize(x, self.grid).flatten(2).mT))


class Transformer(nn.Module):
    """Eqs. 3 and 4: [B, L, CT] -> [B, L, CT]."""

    def __init__(self, dim: int, drop_path: float = 0.0) -> None:
        super().__init__()
        # K, Q and V in one: a group puts out its dim / 8, dim / 8 and dim / 4 channels of them.
        self.qkv = GroupedLinear(dim, 2 * dim, QKV_GROUPS)
        self.ff1 = nn.Linear(dim, dim, bias=False)
        self.ff2 = nn.Linear(dim, dim, bias=False)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        C = tokens.shape[-1]
        qkv = self.qkv(tokens.mT).unflatten(1, (QKV_GROUPS, -1))
        q_BCL, k_BCL, v_BCL = (part.flatten(1, 2) for part in qkv.split([C // 8, C // 8, C // 4], dim=2))
        attention_BLL = (q_BCL.mT @ k_BCL * (C // 2) ** -0.5).softmax(-1)
        tokens = normalise(tokens + self.drop_path(attention_BLL @ v_BCL.mT))
        return normalise(tokens + self.drop_path(self.ff2(F.relu(self.ff1(tokens)))))


class FixedMixer(nn.Module):
    """Table 5's baselines: a linear layer, after a learned mix of the tokens for a graph: [B, L, CT] -> [B, L, CT]."""

    def __init__(self, dim: int, graph_tokens: int = 0, drop_path: float = 0.0) -> None:
        super().__init__()
        self.graph = nn.Linear(graph_tokens, graph_tokens, bias=False) if graph_tokens else None
        self.ff = nn.Linear(dim, dim, bias=False)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        mixed = tokens if self.graph is None else tokens + self.graph(tokens.mT).mT
        return normalise(tokens + self.drop_path(F.relu(self.ff(mixed))))


class Projector(nn.Module):
    """Eq. 5: every pixel adds the tokens that its query asks for: [B, C_in, H, W], [B, L, CT] -> [B, C, H, W].

    Args:
        in_dim: Channels C_in of the map.
        dim: Channels C put out.
        token_dim: Channels CT of the tokens.
        group_width: Channels of a group of the query convolution.
        drop_path: Stochastic depth of what is added.
    """

    def __init__(self, in_dim: int, dim: int, token_dim: int, group_width: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.scale = dim**-0.5
        self.feature = nn.Identity() if in_dim == dim else nn.Conv2d(in_dim, dim, 1, bias=False)
        self.query = _grouped(in_dim, dim, group_width)
        self.key = nn.Linear(token_dim, dim, bias=False)
        self.value = _linear(token_dim, dim)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        key_BLC = self.key(tokens) * self.scale
        attention_BLN = (key_BLC @ self.query(x.flatten(2))).softmax(1)
        projected = self.value(tokens).mT @ attention_BLN
        return self.feature(x) + self.drop_path(projected.unflatten(2, x.shape[2:]))


def normalise(tokens: Tensor) -> Tensor:
    """LayerNorm without weights: [B, L, CT] -> [B, L, CT]."""
    return F.layer_norm(tokens, tokens.shape[-1:])


def token_grid(tokens: int) -> tuple[int, int]:
    """Rows and columns, as square as can be, of a grid of so many tokens."""
    rows = next(rows for rows in range(isqrt(tokens), 0, -1) if tokens % rows == 0)
    return rows, tokens // rows


def resize(x: Tensor, grid: tuple[int, int]) -> Tensor:
    """[B, C, H, W] -> [B, C, rows, cols], bilinearly."""
    return F.interpolate(x, grid, mode="bilinear", align_corners=False)


def centroids(x: Tensor, grid: tuple[int, int]) -> Tensor:
    """[B, C, H, W] -> [B, L, C]: unit centroids of a spherical k-means over the pixels, one step from a grid of L."""
    pixels_BCN = F.normalize(x.flatten(2), dim=1)
    start_BLC = F.normalize(resize(x, grid).flatten(2), dim=1).mT
    nearest_BN = (start_BLC @ pixels_BCN).argmax(1)
    index_L = torch.arange(start_BLC.shape[1], device=x.device)
    member_BLN = nearest_BN.unsqueeze(1) == index_L[:, None]
    mean_BLC = F.normalize(member_BLN.to(pixels_BCN.dtype) @ pixels_BCN.mT, dim=-1)
    return torch.where(member_BLN.any(-1, keepdim=True), mean_BLC, start_BLC.to(mean_BLC.dtype))


def init_weights(module: nn.Module) -> None:
    """Draw weights of variance 1 / fan-in, which keeps the scale of maps."""
    if isinstance(module, GroupedLinear):
        trunc_normal_(module.weight, std=module.weight.shape[-1] ** -0.5)
    elif isinstance(module, nn.Conv2d | nn.Linear):
        lecun_normal_(module.weight)


def _grouped(in_dim: int, dim: int, group_width: int) -> GroupedLinear:
    """Return a layer of about ``dim / group_width`` groups, as many as divide both widths."""
    return GroupedLinear(in_dim, dim, gcd(in_dim, dim, max(1, dim // group_width)))


def _linear(in_dim: int, out_dim: int) -> nn.Module:
    return nn.Identity() if in_dim == out_dim else nn.Linear(in_dim, out_dim, bias=False)
