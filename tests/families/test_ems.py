"""EMSNet: the paper's numbers, its equations written out plainly, and what its two halves promise."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from vitspace.anchors import all_anchors, anchor, assemble
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import ems
from vitspace.layers.overlapped import overlapped_attention
from vitspace.layers.propagation import Propagation
from vitspace.network import build

# Params, multiply-adds
COSTS = {
    "emsnet_xxtiny": (2_569_370, 519_995_488),
    "emsnet_xtiny": (2_958_254, 701_190_096),
    "emsnet_tiny": (5_468_186, 1_826_083_904),
    "emsnet_xxtiny_abl0_baseline": (2_099_016, 475_459_072),
    "emsnet_xxtiny_abl1_whiten": (2_248_520, 504_761_856),
    "emsnet_xxtiny_abl2_pe2": (2_417_928, 533_200_768),
    "emsnet_xxtiny_abl3_pe4": (2_387_080, 529_308_416),
    "emsnet_xxtiny_abl4_gated": (2_686_088, 587_913_984),
    "emsnet_xxtiny_abl5_c_mhsa": (3_090_602, 524_674_368),
    "emsnet_xxtiny_abl6_g_mhsa": (2_569_370, 519_995_488),
    "emsnet_xxtiny_split_2_1_1": (2_593_722, 521_719_904),
    "emsnet_xxtiny_split_1_1_2": (2_596_986, 520_553_504),
}
TINY = {"dim": [16, 16, 32, 64], "depth": [1, 2, 1, 1], "mlp_ratio": 2}
OPERATORS = [
    {},
    {"dynamic": "none", "whiten": False, "kernel": 0, "split": "0:4:0", "gate": False},
    {"dynamic": "local", "split": "2:2:0", "local_patch": 2},
    {"dynamic": "global", "gate": False, "static_expansion": 3, "global_expansion": 2},
    {"whiten": False, "static_share": 0.25, "split": "1:1:2", "kernel": 3},
]


def tiny(**settings):
    return assemble("ems", TINY | settings)


def stage(**settings):
    return ems.Stage(dim=32, depth=1, downsample="none", **settings)


def lively(module):
    """Weights and statistics of a size at which every part shows in the output."""
    for name, value in module.state_dict().items():
        if name.endswith("running_var"):
            nn.init.uniform_(value, 0.5, 1.5)
        elif value.is_floating_point():
            nn.init.normal_(value, std=0.25)
    return module.eval()


def block(**settings):
    return lively(ems.EMSBlock(stage(**settings), 0.0))


# The numbers


@pytest.mark.parametrize("name", COSTS)
def test_costs_are_exact(name):
    got = cost(anchor(name).spec)
    assert (got.params, got.macs) == COSTS[name]


def _near(got, printed, unit, tolerance):
    return abs(got - printed) <= unit or abs(got / printed - 1) <= tolerance


@pytest.mark.parametrize("name", [a.id for a in all_anchors().values() if a.family == "ems" and a.spec])
def test_costs_are_the_printed_ones(name):
    row = anchor(name)
    unit = 0.1 if row.role == "anchor" else 0.01
    got = cost(row.spec)
    assert _near(got.params / 1e6, row.published["params_m"], unit, 0.02)
    assert _near(got.macs / 1e9, row.published["gflops"], unit, 0.06)


def test_the_printed_width_of_xtiny_contradicts_its_params():
    printed = {"dim": [32, 64, 96, 128], "depth": [3, 3, 10, 2], "mlp_ratio": [8, 8, 4, 4]}
    assert round(cost(assemble("ems", printed)).params / 1e6, 2) == 2.31
    assert anchor("emsnet_xtiny").spec.stages[3].dim == 192


def test_rows_that_no_reading_gives_say_why():
    rows = [a for a in all_anchors().values() if a.family == "ems" and a.unreproduced]
    assert [row.id for row in rows] == ["emsnet_xxtiny_lat_no_fusion", "emsnet_xxtiny_lat_no_channel_split"]


# The equations, written out


def _pool(x, patch, kind):
    """Pool patch by patch, those at the edge over the pixels they have."""
    rows = [torch.stack([kind(cell) for cell in row.split(patch, 3)], -1) for row in x.split(patch, 2)]
    return torch.stack(rows, -2)


def _prop(prop, tokens, like):
    patch, dim = prop.kernel_size[0], prop.out_channels
    out = F.conv_transpose2d(tokens, prop.weight, stride=patch, groups=dim)
    return out[:, :, : like.shape[2], : like.shape[3]]


def _static(op, x):
    whitened = x
    if op.whiten is not None:
        whitened = op.whiten(x) - op.whiten(x).mean(1, keepdim=True)
    parts = []
    for branch, part in zip(op.branches, op.mix(whitened).split(op.branches.split, 1), strict=True):
        if not isinstance(branch, nn.Identity):
            tokens = branch.embed(_pool(part, branch.patch, lambda cell: cell.amax((2, 3))))
            kernel = branch.vertical.weight * branch.horizontal.weight
            pad = kernel.shape[2] // 2
            part = _prop(branch.prop, F.conv2d(tokens, kernel, padding=pad, groups=len(kernel)), part)
        parts.append(part)
    mixed = torch.cat(parts, 1)
    return mixed if op.fusion is None else op.linear(x) * torch.sigmoid(op.fusion(mixed))


def _local(op, x):
    tokens = op.embed(_pool(x, op.patch, lambda cell: cell.mean((2, 3))))
    B, C, rows, cols = tokens.shape
    h, padded = op.num_heads, F.pad(op.value(tokens), (1, 1, 1, 1))
    scores, out = op.scores(op.shrink(tokens)), torch.zeros_like(padded)
    for r in range(scores.shape[2]):
        for c in range(scores.shape[3]):
            top, left = 2 * r, 2 * c
            weights = scores[:, :, r, c].reshape(B, h, 9, 9).softmax(-1)
            window = F.pad(padded, (0, 2, 0, 2))[:, :, top : top + 3, left : left + 3]
            mixed = torch.einsum("bhij,bhdj->bhdi", weights, window.reshape(B, h, C // h, 9)).reshape(B, C, 3, 3)
            height, width = min(3, rows + 2 - top), min(3, cols + 2 - left)
            out[:, :, top : top + 3, left : left + 3] += mixed[:, :, :height, :width]
    return _prop(op.prop, op.proj(out[:, :, 1:-1, 1:-1]), x)


def _global(op, x):
    tokens = op.embed(_pool(x, op.patch, lambda cell: cell.mean((2, 3))))
    q, k, v = (t.unflatten(1, (op.num_heads, -1)).flatten(3) for t in op.qkv(tokens).chunk(3, 1))
    weights = (torch.einsum("bhdi,bhdj->bhij", q, k) / q.shape[2] ** 0.5).softmax(-1)
    out = torch.einsum("bhij,bhdj->bhdi", weights, v).reshape(tokens.shape)
    return _prop(op.prop, op.proj(out), x)


def _block(op, x):
    y = op.proj_in(op.norm1(x))
    parts = [_static(op.static, y[:, : op.static_dim])]
    if op.dynamic is not None:
        pieces = y[:, op.static_dim :].split(op.dynamic.branches.split, 1)
        plain = {ems.LocalAttention: _local, ems.GlobalAttention: _global}
        outs = [plain[type(m)](m, piece) for m, piece in zip(op.dynamic.branches, pieces, strict=True)]
        parts.append(op.dynamic.fusion(torch.cat(outs, 1)))
    x = x + op.proj_out(torch.cat(parts, 1))
    return x + op.shrink(op.act(op.expand(op.norm2(x))))


def _thaw(op):
    """Take the graph of training, with the statistics of evaluation."""
    op.train()
    for module in op.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


@pytest.mark.parametrize("settings", OPERATORS)
@pytest.mark.parametrize("size", [(14, 14), (7, 7), (9, 5), (1, 1)])
@torch.no_grad()
def test_a_block_is_the_paper_written_out(settings, size):
    op, x = block(**settings), torch.randn(2, 32, *size)
    expected = _block(op, x)
    scale = 1e-5 * max(1.0, float(expected.abs().max()))
    torch.testing.assert_close(op(x), expected, rtol=0, atol=scale)
    _thaw(op)
    torch.testing.assert_close(op(x), expected, rtol=0, atol=scale)


@pytest.mark.parametrize(("patch", "expansion"), [(1, 1), (2, 2), (6, 3)])
def test_propagation_is_a_transposed_convolution(patch, expansion):
    prop, x = Propagation(4, expansion, patch), torch.randn(2, 4 * expansion, 3, 2)
    torch.testing.assert_close(prop(x, 3 * patch, 2 * patch), nn.ConvTranspose2d.forward(prop, x))


def test_attention_that_looks_at_itself_keeps_what_no_window_shares():
    scores = (torch.eye(9) * 100).reshape(1, 81, 1, 1)
    values = torch.randn(1, 2, 1, 1)
    torch.testing.assert_close(overlapped_attention(scores, values, 1, 3, 2), values)


# What the design promises


@torch.no_grad()
def test_whiten_removes_the_channel_mean():
    op = block(kernel=0, split="0:4:0", gate=False).static
    assert op(torch.randn(2, 16, 7, 7)).mean(1).abs().max() < 1e-5


@pytest.mark.parametrize("half", ["static", "dynamic"])
def test_the_halves_see_disjoint_channels(half):
    op, seen = block(), {}
    op.train()
    for name in ("static", "dynamic"):
        getattr(op, name).register_forward_hook(lambda m, args, out, name=name: seen.update({name: out}))
    op.proj_in.register_forward_hook(lambda m, args, out: seen.update(x=out))
    op(torch.randn(2, 32, 12, 12))
    (grad,) = torch.autograd.grad(seen[half].sum(), seen["x"])
    touched = grad.abs().sum((0, 2, 3)) > 0
    assert touched.tolist() == [half == "static"] * 16 + [half == "dynamic"] * 16


def test_the_two_attentions_see_disjoint_channels():
    local, global_ = block().dynamic.branches
    assert (local.embed.in_channels, global_.embed.in_channels) == (8, 8)
    x = torch.randn(1, 16, 12, 12, requires_grad=True)
    (grad,) = torch.autograd.grad(block().dynamic.branches(x)[1].sum(), x)
    assert (grad.abs().sum((0, 2, 3)) > 0).tolist() == [False] * 8 + [True] * 8


@pytest.mark.parametrize("size", [(7, 7), (13, 7), (1, 1), (5, 2)])
@torch.no_grad()
def test_odd_maps_keep_their_size(size):
    x = torch.randn(1, 32, *size)
    op = block(fine_patch=4, coarse_patch=6)
    assert op(x).shape == x.shape
    assert op.train()(x.expand(2, -1, -1, -1)).shape[2:] == x.shape[2:]


@torch.no_grad()
def test_a_patch_at_the_edge_averages_its_own_pixels():
    local, _ = block().dynamic.branches
    constant = local.embed(torch.ones(1, 8, 1, 1))
    seen = []
    _thaw(local)
    local.embed.register_forward_hook(lambda m, args, out: seen.append(out))
    local(torch.ones(1, 8, 7, 5))
    torch.testing.assert_close(seen[0], constant.expand(-1, -1, 2, 2))


@torch.no_grad()
def test_global_attention_joins_the_corners_and_local_does_not():
    local, global_ = block().dynamic.branches
    x = torch.randn(1, 8, 36, 36)
    other = x.clone()
    other[:, :, 0, 0] += 10
    moved = [(op(other) - op(x))[:, :, -1, -1].abs().max() for op in (local, global_)]
    assert moved[0] == 0
    assert moved[1] > 0


# Specs


def test_fields_that_mean_nothing_are_reset():
    plain = tiny(dynamic="none", split="0:4:0")
    same = tiny(dynamic="none", split="0:4:0", static_share=0.25, local_patch=2, fine_patch=4, coordinate_kernel=7)
    assert same == plain
    assert tiny(dynamic="local", global_patch=4) == tiny(dynamic="local")


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"kernel": 4}, "kernel is odd or 0"),
        ({"coordinate_kernel": 8}, "coordinate_kernel is odd"),
        ({"static_share": 1.0}, "static_share lies between 0 and 1"),
        ({"static_share": 0.3}, "cuts dim in whole channels"),
        ({"dim": 24, "static_share": 0.25}, "4 must divide the static channels"),
        ({"dim": 20, "static_share": 0.25, "split": "0:4:0"}, "2 must divide the dynamic channels"),
        ({"dim": 208}, "heads must divide"),
        ({"global_patch": 0}, "at least 1"),
    ],
)
def test_a_design_that_cannot_be_built_is_refused(settings, rule):
    with pytest.raises(InputError, match=rule):
        tiny(**settings)


def test_patches_follow_the_image():
    small = tiny().rescaled(0.5).stages[0]
    assert (small.fine_patch, small.coarse_patch, small.local_patch, small.global_patch) == (1, 2, 2, 3)
    assert small.coordinate_kernel == 17


# The network


@pytest.mark.parametrize("settings", OPERATORS)
def test_the_gradient_reaches_every_parameter(settings):
    model = build(tiny(**settings), num_classes=3, drop_path_rate=0.1).train()
    model(torch.randn(3, 3, 64, 64)).square().sum().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()]


@torch.no_grad()
def test_any_input_size_gives_a_pyramid():
    model = build(tiny(), num_classes=0).eval()
    maps = model.forward_intermediates(torch.randn(1, 3, 97, 65), intermediates_only=True)
    assert [tuple(m.shape) for m in maps] == [(1, 16, 25, 17), (1, 16, 13, 9), (1, 32, 7, 5), (1, 64, 4, 3)]


@torch.no_grad()
def test_channels_last_and_bfloat16_agree():
    model, x = build(tiny()).eval(), torch.randn(2, 3, 64, 64)
    expected = model(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(model(x).float(), expected, atol=0.05, rtol=0.05)
    model = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x.contiguous(memory_format=torch.channels_last)), expected, atol=1e-5, rtol=0)
