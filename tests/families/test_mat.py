"""MAT: the thesis's numbers, its equations written out plainly, and what mixing abstract tokens promises."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from vitspace.anchors import anchor, assemble
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families.mat import BilinearMerging, MATStage, Stage, WindowAttention
from vitspace.layers.windows import attention_mask, merge, partition
from vitspace.network import build

# Params and multiply-adds at 224 pixels.
PUBLISHED = {
    "mat_1": (6_713_838, 385_315_328),
    "mat_2": (10_767_726, 660_815_872),
    "mat_3": (17_008_422, 1_036_595_648),
    "mat_4": (29_056_926, 1_925_020_928),
    "mat_5": (50_108_398, 3_147_219_968),
    "mat_2_stages_1111": (10_874_542, 776_951_808),
    "mat_2_stages_0111": (10_852_590, 701_843_456),
    "mat_2_stages_0011": (10_767_726, 660_815_872),
    "mat_2_stages_0001": (9_767_022, 563_049_472),
    "mat_2_abl_pure_mlp": (5_699_694, 455_749_120),
    "mat_2_abl_window_attn": (7_802_478, 653_016_064),
    "mat_2_abl_mat_attn": (10_767_726, 660_815_872),
    "mat_2_abl_pe_conv3x3": (11_106_408, 698_472_960),
    "mat_2_abl_pe_patch_merging": (10_891_816, 674_388_480),
    "mat_2_abl_pe_bilinear": (10_767_726, 660_815_872),
}
TINY = {"dim": [16, 32, 32, 64], "depth": 1, "heads": 4, "mlp_ratio": 2}


def stage(in_dim=16, **settings):
    spec = Stage(**{"dim": 16, "depth": 1, "downsample": "none", "heads": 4, "mlp_ratio": 2} | settings)
    spec.check(in_dim, None)
    return lively(spec.build(in_dim, None, [0.0] * spec.depth))


def lively(module):
    """Evaluation mode with weights, biases and statistics of size one, so that every part shows in the output."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.5, 2)
    return module.eval()


def heads(x, count):
    return x.reshape(len(x), count, -1).transpose(0, 1)


def softmax_attention(q, k, v, count):
    """Eq. 4.2 for one set of tokens: [T, C], [S, C], [S, C] -> [T, C]."""
    q, k, v = heads(q, count), heads(k, count), heads(v, count)
    weights = torch.softmax(q @ k.transpose(1, 2) / q.shape[2] ** 0.5, dim=-1)
    return (weights @ v).transpose(0, 1).flatten(1)


def plain_attention(attn, x_HWC, window):
    """Eqs. 4.1 to 4.5 window by window, over real positions only."""
    H, W, C = x_HWC.shape
    places = [
        (slice(top, top + window), slice(left, left + window))
        for top in range(0, H, window)
        for left in range(0, W, window)
    ]
    queries, local, abstract = [], [], []
    for rows, cols in places:
        q, k, v = attn.qkv(x_HWC[rows, cols].reshape(-1, C)).chunk(3, dim=1)
        queries.append(q)
        if attn.mixes:
            token = attn.abstract_tokens[None]
            q, k, v = (torch.cat([token, part]) for part in (q, k, v))
        out = attn.proj(softmax_attention(q, k, v, attn.heads))
        abstract.append(out[0])
        local.append(out[1:] if attn.mixes else out)
    if attn.mixes:
        q, k, v = attn.mix_qkv(torch.stack(abstract)).chunk(3, dim=1)
        mixed = attn.mix_proj(softmax_attention(q, k, v, attn.heads))
        k, v = attn.fuse_kv(mixed).chunk(2, dim=1)
        local = [x + softmax_attention(q, k, v, attn.heads) for x, q in zip(local, queries, strict=True)]
    out = torch.zeros_like(x_HWC)
    for (rows, cols), x in zip(places, local, strict=True):
        out[rows, cols] = x.reshape(out[rows, cols].shape)
    return out


def plain_block(block, x_HWC, window):
    """The block of a stage, one image, channels last."""

    def convolve(conv, x):
        return F.conv2d(x.permute(2, 0, 1)[None], conv.weight, conv.bias, padding=1, groups=x.shape[2])[0].permute(
            1, 2, 0
        )

    if block.has_mixer:
        x_HWC = x_HWC + convolve(block.position, x_HWC)
        x_HWC = x_HWC + plain_attention(block.attn, block.norm1(x_HWC), window)
    hidden = F.linear(block.norm2(x_HWC), block.mlp.fc1.weight.flatten(1), block.mlp.fc1.bias)
    if block.mlp.dwconv is not None:
        hidden = convolve(block.mlp.dwconv, hidden)
    return x_HWC + F.linear(F.gelu(hidden), block.mlp.fc2.weight.flatten(1), block.mlp.fc2.bias)


@pytest.mark.parametrize("name", PUBLISHED)
def test_costs_what_the_thesis_prints(name):
    row = anchor(name)
    got = cost(row.spec)
    assert (got.params, got.macs) == PUBLISHED[name]
    assert got.params / 1e6 == pytest.approx(row.published["params_m"], rel=2e-4)
    assert got.macs / 1e9 == pytest.approx(row.published["gflops"], rel=0.015)


@pytest.mark.parametrize("mixer", ["mat", "window", "none"])
@pytest.mark.parametrize("size", [(14, 14), (10, 9), (7, 7), (5, 3), (1, 1)])
def test_equals_the_equations(mixer, size):
    module = stage(mixer=mixer, depth=2, window=5)
    x = torch.randn(2, 16, *size)
    with torch.no_grad():
        out, carry = module(x)
        want = x.permute(0, 2, 3, 1)
        for block in module.blocks:
            want = torch.stack([plain_block(block, image, min(5, max(size))) for image in want])
    assert carry is None
    torch.testing.assert_close(out, want.permute(0, 3, 1, 2), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mixer", ["mat", "window"])
def test_a_window_reaches_the_others_only_by_mixing(mixer):
    attn = lively(WindowAttention(16, 4, mixer == "mat"))
    x = torch.randn(1, 9, 49, 16)
    changed = x.clone()
    changed[:, 4, 11] += 1
    with torch.no_grad():
        reached = (attn(x) != attn(changed)).flatten(2).any(2)[0]
    assert reached.tolist() == ([True] * 9 if mixer == "mat" else [i == 4 for i in range(9)])


@pytest.mark.parametrize("mixer", ["mat", "window", "none"])
def test_convolutions_alone_carry_a_change_one_pixel_over_the_border(mixer):
    module = stage(mixer=mixer)
    x = torch.randn(1, 16, 28, 28)
    changed = x.clone()
    changed[:, :, 3, 3] += 1
    with torch.no_grad():
        reached = (module(x)[0] != module(changed)[0]).any(1)[0]
    inside = {"mat": 28, "window": 8, "none": 5}[mixer]
    assert reached.nonzero().max() == inside - 1
    assert reached[:inside, :inside].float().mean() > 0.3


@pytest.mark.parametrize(("size", "tokens"), [((14, 14), 4), ((28, 28), 16), ((15, 8), 6), ((7, 7), 1), ((3, 2), 1)])
def test_abstract_tokens_follow_the_image_size(size, tokens):
    module, seen = stage(), []
    module.blocks[0].attn.proj.register_forward_hook(lambda _, args, out: seen.append(out.shape))
    module(torch.randn(2, 16, *size))
    assert seen[0][0] == 2 * tokens


def test_padding_reaches_no_abstract_token():
    module, x = stage(window=4), torch.randn(1, 16, 6, 5)
    attn, mask = module.blocks[0].attn, attention_mask(x, 4, 1)
    windows = partition(x, 4)
    real = mask[:, 0, 0, 1:, None] == 0
    garbage = torch.where(real, windows[0], 1e4 * torch.randn_like(windows[0]))[None]
    seen = []
    attn.mix_qkv.register_forward_hook(lambda _, args, out: seen.append(args[0]))
    with torch.no_grad():
        clean, dirty = attn(windows, mask), attn(garbage, mask)
    assert real.sum() == 30
    torch.testing.assert_close(*seen, rtol=0, atol=0)
    torch.testing.assert_close(merge(clean, 6, 5, 4), merge(dirty, 6, 5, 4), rtol=0, atol=0)


def test_one_window_gives_every_parameter_a_gradient():
    module = stage()
    module(torch.randn(2, 16, 7, 7))[0].square().sum().backward()
    assert all(p.grad is not None for p in module.parameters())
    assert module.blocks[0].attn.mix_qkv.weight.grad[:32].abs().max() == 0
    assert module.blocks[0].attn.mix_qkv.weight.grad[32:].abs().min() > 0


def test_a_window_is_never_larger_than_the_map():
    small, large = stage(window=7), stage(window=14)
    large.load_state_dict(small.state_dict())
    x = torch.randn(1, 16, 7, 6)
    with torch.no_grad():
        torch.testing.assert_close(small(x)[0], large(x)[0], rtol=0, atol=0)


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 1)])
def test_bilinear_embedding_reads_patch_centres_moved_by_offsets(size):
    module = lively(BilinearMerging(8, 16))
    x = torch.randn(2, 8, *size)
    with torch.no_grad():
        module.offset_proj.weight.zero_()
        module.offset_proj.bias.zero_()
        padded = F.pad(x, (0, size[1] % 2, 0, size[0] % 2), mode="replicate")
        torch.testing.assert_close(module.sample(x), F.avg_pool2d(padded, 2))
        # Half a pixel to the left and down from the centre of a patch is its lower left pixel.
        module.offset_proj.bias.copy_(torch.tensor([-0.5, 0.5]))
        torch.testing.assert_close(module.sample(x), padded[:, :, 1::2, ::2])
        assert module(x).shape == (2, 16, -(-size[0] // 2), -(-size[1] // 2))


@pytest.mark.parametrize("downsample", ["bilinear", "overlapped", "concat"])
def test_patch_embeddings_halve_odd_maps_rounding_up(downsample):
    module = stage(in_dim=12, downsample=downsample)
    assert module(torch.randn(2, 12, 9, 7))[0].shape == (2, 16, 5, 4)


def test_fields_of_a_missing_mixer_are_reset():
    spec = assemble("mat", TINY | {"mixer": ["none", "mat", "mat", "mat"], "window": 14})
    assert [s.window for s in spec.stages] == [7, 14, 14, 14]
    assert [s.heads for s in spec.stages] == [8, 4, 4, 4]
    assert [s.window for s in spec.rescaled(64 / 224).stages] == [7, 4, 4, 4]


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"heads": 3}, "heads must divide dim"),
        ({"heads": 0}, "at least 1"),
        ({"window": 0}, "at least 1"),
        ({"mlp_ratio": 0}, "at least 1"),
        ({"downsample": "none"}, "without downsampling"),
        ({"downsample": "pool"}, "downsample"),
    ],
)
def test_refuses_what_cannot_be_built(settings, rule):
    with pytest.raises(InputError, match=rule):
        assemble("mat", TINY | settings)


def test_a_foreign_carry_is_dropped():
    module = stage()
    assert isinstance(module, MATStage)
    x = torch.randn(1, 16, 7, 7)
    torch.testing.assert_close(module(x, torch.randn(1, 9, 4))[0], module(x)[0])


@pytest.mark.parametrize("size", [(64, 64), (97, 65), (33, 33)])
def test_any_image_size_trains(size):
    model = build(assemble("mat", TINY | {"mixer": ["none", "window", "mat", "mat"]}), num_classes=5)
    out = model(torch.randn(2, 3, *size))
    out.square().sum().backward()
    assert out.shape == (2, 5)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.forward_head(model.forward_features(torch.randn(2, 3, *size)), pre_logits=True).shape == (2, 1280)
