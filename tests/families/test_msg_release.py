"""Checkpoints of MSG-Transformer's public release: the paper, read plainly under their names, is the same function."""

from itertools import product

import pytest
import torch
from test_msg import lively, tiny
from torch import nn

from vitspace.anchors import anchor
from vitspace.errors import InputError
from vitspace.families import msg
from vitspace.network import build


class ReleaseAttention(nn.Module):
    def __init__(self, dim, heads, window):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.rel_pos_msg = nn.Parameter(torch.zeros(heads, 2, 1, 1))
        places = list(product(range(window), repeat=2))
        rows = [[(a - c + window - 1) * (2 * window - 1) + b - d + window - 1 for c, d in places] for a, b in places]
        self.register_buffer("relative_position_index", torch.tensor(rows))

    def bias(self, kept):
        """Eq. 6 for the messenger and the patches that are kept: [heads, T, T]."""
        among = self.relative_position_bias_table[self.relative_position_index[kept][:, kept]].permute(2, 0, 1)
        bias = torch.empty(self.heads, len(kept) + 1, len(kept) + 1)
        bias[:, 1:, 1:] = among
        bias[:, 1:, 0] = self.rel_pos_msg[:, 0, 0]
        bias[:, 0] = self.rel_pos_msg[:, 1, 0]
        return bias

    def forward(self, x, kept):
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        weights = (q @ k.mT / q.shape[-1] ** 0.5 + self.bias(kept)).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class ReleaseMlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x):
        hidden = self.fc1(x)
        return self.fc2(hidden * (1 + torch.erf(hidden / 2**0.5)) / 2)


class ReleaseBlock(nn.Module):
    def __init__(self, spec, index):
        super().__init__()
        self.region_size, self.last = spec.region_size, index % 2 == 1
        self.norm1, self.norm2 = nn.LayerNorm(spec.dim), nn.LayerNorm(spec.dim)
        self.attn = ReleaseAttention(spec.dim, spec.dim // spec.head_dim, spec.window)
        self.mlp = ReleaseMlp(spec.dim, spec.dim * spec.mlp_ratio)

    def forward(self, windows, kept):
        """Windows and kept positions are by (row, column); a window is [B, 1 + patches, C]."""
        windows = {at: x + self.attn(self.norm1(x), kept[at]) for at, x in windows.items()}
        self.shuffle(windows)
        return {at: x + self.mlp(self.norm2(x)) for at, x in windows.items()}

    def shuffle(self, windows):
        """Eq. 7 in every whole region."""
        R = self.region_size
        rows, cols = (max(at) + 1 for at in zip(*windows, strict=True))
        top, left = (rows % R, cols % R) if self.last else (0, 0)
        for r, c in product(range(top, rows - R + 1, R), range(left, cols - R + 1, R)):
            region = [(r + i, c + j) for i, j in product(range(R), repeat=2)]
            tokens = torch.stack([windows[at][:, 0] for at in region], 1).unflatten(2, (R**2, -1))
            for at, token in zip(region, tokens.transpose(1, 2).flatten(2).unbind(1), strict=True):
                windows[at] = torch.cat([token[:, None], windows[at][:, 1:]], 1)


class ReleaseMerging(nn.Module):
    def __init__(self, in_dim, dim, kernel=3, stride=2, padding=1, conv="reduction"):
        super().__init__()
        self.add_module(conv, nn.Conv2d(in_dim, dim, kernel, stride, padding))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        conv, norm = self.children()
        return norm(conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ReleaseLayer(nn.Module):
    def __init__(self, spec, following):
        super().__init__()
        self.window = spec.window
        self.blocks = nn.ModuleList(ReleaseBlock(spec, i) for i in range(spec.depth))
        self.downsample = ReleaseMerging(spec.dim, following.dim) if following else None

    def forward(self, x, messengers):
        """[B, C, H, W], [B, C, rows, cols]: loop over windows, those at the edge cut off by the map."""
        w = self.window
        places = list(product(range(messengers.shape[2]), range(messengers.shape[3])))
        slices = {(r, c): (..., slice(r * w, r * w + w), slice(c * w, c * w + w)) for r, c in places}
        patches = {at: x[slices[at]] for at in places}
        kept = {
            at: torch.tensor([i * w + j for i, j in product(*map(range, p.shape[2:]))]) for at, p in patches.items()
        }
        windows = {
            at: torch.cat([messengers[..., at[0], at[1]][:, None], patches[at].flatten(2).mT], 1) for at in places
        }
        for block in self.blocks:
            windows = block(windows, kept)
        x, messengers = torch.empty_like(x), torch.empty_like(messengers)
        for at in places:
            messengers[..., at[0], at[1]] = windows[at][:, 0]
            x[slices[at]] = windows[at][:, 1:].mT.reshape(patches[at].shape)
        return (x, messengers) if self.downsample is None else (self.downsample(x), self.downsample(messengers))


class Release(nn.Module):
    def __init__(self, spec, classes):
        super().__init__()
        first, last = spec.stages[0], spec.stages[-1]
        self.region_size, self.window = first.region_size, first.window
        self.msg_tokens = nn.Parameter(torch.zeros(1, first.region_size**2, 1, first.dim))
        self.patch_embed = ReleaseMerging(3, first.dim, 7, 4, 2, "proj")
        self.layers = nn.ModuleList(map(ReleaseLayer, spec.stages, (*spec.stages[1:], None)))
        self.norm, self.head = nn.LayerNorm(last.dim), nn.Linear(last.dim, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        rows, cols = (-(-size // self.window) for size in x.shape[2:])
        R = self.region_size
        of_window = torch.tensor([[r % R * R + c % R for c in range(cols)] for r in range(rows)])
        messengers = self.msg_tokens[0, of_window, 0].permute(2, 0, 1).expand(len(x), -1, -1, -1)
        for layer in self.layers:
            x, messengers = layer(x, messengers)
        return self.head(self.norm(messengers.flatten(2).mT).mean(1))


def loaded(release, spec):
    network = build(spec, num_classes=5).eval()
    network.load_state_dict(msg.checkpoint_filter_fn(release.state_dict(), network))
    return network


@pytest.mark.parametrize("size", [(224, 224), (60, 52), (200, 120), (33, 33)], ids=str)
def test_a_release_checkpoint_is_the_same_function(size):
    release = lively(Release(tiny(), classes=5))
    network = loaded(release, tiny())
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        torch.testing.assert_close(network(x), release(x), rtol=1e-5, atol=1e-5)


def test_a_release_may_order_its_bias_table_otherwise():
    release = lively(Release(tiny(), classes=5))
    for name, index in release.named_buffers():
        index.copy_(torch.randperm(int(index.max()) + 1)[index] if "blocks.0" in name else index.max() - index)
    network = loaded(release, tiny())
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(network(x), release(x), rtol=1e-5, atol=1e-5)


def test_msg_tiny_is_the_plain_reading():
    spec = anchor("msg_tiny").spec
    release = Release(spec, classes=5).eval()
    network = loaded(release, spec)
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(network(x), release(x), rtol=1e-5, atol=1e-5)


def test_our_own_state_dict_passes_unchanged():
    state = build(tiny()).state_dict()
    filtered = msg.checkpoint_filter_fn(state, build(tiny()))
    assert filtered.keys() == state.keys()
    assert all(filtered[key] is state[key] for key in state)


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda state: state.update(extra=torch.zeros(1)), "unknown are extra and missing are none"),
        (lambda state: state.update({"layers.0.blocks.9.norm1.weight": torch.zeros(1)}), "blocks.9.norm1.weight"),
        (lambda state: state.pop("norm.weight"), "missing are head.norm.weight"),
        (lambda state: state.pop("msg_tokens"), "missing are stages.0.msg_tokens"),
        (lambda state: state.update({"head.bias": torch.zeros(7)}), r"head.fc.bias is \(7,\), not \(5,\)"),
        (
            lambda state: state.update({"layers.0.blocks.0.attn.relative_position_index": torch.zeros(4, 4).long()}),
            r"relative_position_index is \(49, 49\)",
        ),
    ],
    ids=["unknown", "unknown_block", "missing", "missing_tokens", "shape", "index"],
)
def test_a_checkpoint_that_does_not_fit_is_refused(spoil, rule):
    state = Release(tiny(), classes=5).state_dict()
    spoil(state)
    with pytest.raises(InputError, match=rule):
        msg.checkpoint_filter_fn(state, build(tiny(), num_classes=5))
