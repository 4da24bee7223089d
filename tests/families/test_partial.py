"""PartialFormer: the thesis's numbers, its equations written out plainly, and what partial attention promises."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from vitspace.anchors import anchor, assemble
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families.partial import PartialAttention, Stage, foreground
from vitspace.network import build

# Params and multiply-adds at 224 pixels.
PUBLISHED = {
    "partialformer_b0": (5_300_812, 415_914_048),
    "partialformer_b1": (8_240_504, 718_781_952),
    "partialformer_b2": (21_082_872, 1_915_454_144),
    "partialformer_b3": (36_106_472, 3_368_802_816),
    "partialformer_b4": (64_466_952, 6_813_728_768),
}
TINY = {"dim": [16, 16, 32, 32], "depth": 1, "heads": 4, "mlp_ratio": 2, "foreground_ratio": [1 / 64, 1 / 16, 0.5, 1]}


def attention(**settings):
    spec = Stage(**{"dim": 16, "depth": 1, "heads": 4, "foreground_ratio": 0.25, "head_expansion": 3} | settings)
    module = PartialAttention(spec).eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def heads(x, count):
    return x.reshape(len(x), count, -1).transpose(0, 1)


def mixed_heads(mlp, logits_hQK):
    """Eq. 5.5, every pair of tokens by itself."""
    hidden = torch.einsum("eh,hqk->eqk", mlp.fc1.weight[..., 0, 0], logits_hQK).softmax(-1)
    return torch.einsum("he,eqk->hqk", mlp.fc2.weight[..., 0, 0], hidden)


def plain_attention(attn, x_NC, score_N):
    """Eqs. 5.4 to 5.7 for one image: sort, part, attend to either set."""
    N, C = x_NC.shape
    order = score_N.argsort(descending=True)
    count = max(1, int(attn.foreground_ratio * N))
    front, back = order[:count], order[count:]
    q, k, v = attn.qkv(torch.cat([attn.query_tokens[0], x_NC[front]])).chunk(3, dim=1)
    q, k, v = (heads(part, attn.heads) for part in (q, k, v))
    weights = mixed_heads(attn.head_mlp, q @ k.transpose(1, 2) / q.shape[2] ** 0.5)
    out_hfD = weights @ v
    added = torch.empty_like(x_NC)
    added[front] = attn.proj(out_hfD[:, 1:].transpose(0, 1).flatten(1))
    if len(back):
        _, k, v = (heads(part, attn.heads) for part in attn.qkv(x_NC[back]).chunk(3, dim=1))
        weights = torch.softmax(out_hfD[:, :1] @ k.transpose(1, 2) / q.shape[2] ** 0.5, dim=-1)
        added[back] = attn.channel_mlp((weights @ v).transpose(0, 1).flatten(1)).expand(len(back), C)
    return added


@pytest.mark.parametrize("name", PUBLISHED)
def test_costs_what_the_thesis_prints(name):
    row = anchor(name)
    got = cost(row.spec)
    assert (got.params, got.macs) == PUBLISHED[name]
    assert got.params / 1e6 == pytest.approx(row.published["params_m"], rel=0.006)
    assert got.macs / 1e9 == pytest.approx(row.published["gflops"], abs=0.05)


@pytest.mark.parametrize("ratio", [1 / 64, 0.25, 0.5, 1])
@pytest.mark.parametrize("tokens", [1, 2, 9, 64])
def test_equals_the_equations(ratio, tokens):
    attn = attention(foreground_ratio=ratio)
    x, score = torch.randn(3, tokens, 16), torch.randn(3, tokens)
    with torch.no_grad():
        want = torch.stack([plain_attention(attn, *image) for image in zip(x, score, strict=True)])
        torch.testing.assert_close(attn(x, score), want, rtol=1e-5, atol=1e-5)


def test_ratio_one_is_attention_over_all_tokens_and_the_abstract_one():
    attn = attention(foreground_ratio=1, head_expansion=1)
    x = torch.randn(2, 10, 16)
    with torch.no_grad():
        for mix in (attn.head_mlp.fc1, attn.head_mlp.fc2):
            mix.weight.copy_(torch.eye(4)[..., None, None])
        tokens = torch.cat([attn.query_tokens.expand(2, -1, -1), x], dim=1)
        q, k, v = attn.qkv(tokens).reshape(2, 11, 3, 4, 4).permute(2, 0, 3, 1, 4)
        want = attn.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))[:, 1:]
        torch.testing.assert_close(attn(x, torch.randn(2, 10)), want, rtol=1e-5, atol=1e-5)
    assert attn.channel_mlp is None


@pytest.mark.parametrize(
    ("ratio", "tokens", "count"),
    [(1 / 64, 3136, 49), (1 / 64, 256, 4), (1 / 64, 49, 1), (1 / 16, 196, 12), (0.5, 49, 24), (0.5, 1, 1), (1, 9, 9)],
)
def test_foreground_counts_follow_the_map(ratio, tokens, count):
    index = foreground(torch.randn(2, tokens), ratio)
    assert index.shape == (2, count)


def test_foreground_holds_the_highest_scores():
    score = torch.tensor([[0.1, 0.9, -2.0, 0.5], [3.0, -1.0, 4.0, 0.0]])
    assert foreground(score, 0.5).tolist() == [[1, 3], [2, 0]]


def chosen(model, image):
    """The foreground of every block, and how far its scores spread."""
    sets, spreads, hooks = [], [], []

    def note(module, args):
        index = foreground(args[1], module.foreground_ratio)
        sets.append([frozenset(row) for row in index.tolist()])
        spreads.append(args[1].std().item())

    for module in model.modules():
        if isinstance(module, PartialAttention):
            hooks.append(module.register_forward_pre_hook(note))
    with torch.no_grad():
        model(image)
    for hook in hooks:
        hook.remove()
    return sets, spreads


def test_foreground_is_stable_under_small_noise():
    spec = assemble("partial", TINY | {"depth": 2, "foreground_ratio": [1 / 64, 1 / 32, 1 / 16, 0.5]})
    model = build(spec, num_classes=0).eval()
    image = torch.randn(2, 3, 128, 128)
    calm, spreads = chosen(model, image)
    noisy, _ = chosen(model, image + 1e-6 * torch.randn_like(image))
    assert calm == noisy
    assert min(spreads) > 1e-2


@pytest.mark.parametrize("dim", [8, 16, 32])
def test_gradients_reach_the_channel_mlp_at_the_smallest_width(dim):
    spec = Stage(dim=dim, depth=1, downsample="none", heads=4, reduction=32)
    module = spec.build(dim, None, [0.0])
    module(torch.randn(2, dim, 8, 8))[0].square().sum().backward()
    assert spec.hidden_dim == 8
    assert all(p.grad.abs().max() > 0 for p in module.blocks[0].attn.channel_mlp.parameters())


def test_a_map_of_one_token_gives_every_parameter_a_finite_gradient():
    module = Stage(dim=16, depth=1, downsample="none", heads=4, foreground_ratio=0.5).build(16, None, [0.0])
    module(torch.randn(2, 16, 1, 1))[0].square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
    assert all(p.grad.abs().max() == 0 for p in module.blocks[0].attn.channel_mlp.parameters())


def test_equal_hidden_widths_are_one_spec():
    specs = [
        assemble("partial", TINY | {"dim": 64, "foreground_ratio": [0.25, 0.25, 0.5, 1], "reduction": r})
        for r in (8, 32)
    ]
    assert specs[0] == specs[1]
    assert assemble("partial", TINY | {"dim": 64, "reduction": 4}) != specs[0]
    assert [s.reduction for s in assemble("partial", TINY | {"dim": 64, "reduction": 4}).stages] == [4, 4, 4, 32]


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"heads": 3}, "heads must divide dim"),
        ({"heads": 0}, "at least 1"),
        ({"reduction": 0}, "at least 1"),
        ({"head_expansion": 0}, "at least 1"),
        ({"foreground_ratio": 0.0}, "foreground_ratio is over 0"),
        ({"foreground_ratio": 1.5}, "at most 1"),
        ({"position_kernel": 4}, "position_kernel"),
        ({"dim": [16, 32, 32, 32], "downsample": "none"}, "without downsampling"),
    ],
)
def test_refuses_what_cannot_be_built(settings, rule):
    with pytest.raises(InputError, match=rule):
        assemble("partial", TINY | settings)


@pytest.mark.parametrize("size", [(64, 64), (97, 65), (33, 33)])
def test_any_image_size_trains(size):
    model = build(assemble("partial", TINY), num_classes=5)
    out = model(torch.randn(2, 3, *size))
    out.square().sum().backward()
    assert out.shape == (2, 5)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.forward_head(model.forward_features(torch.randn(2, 3, *size)), pre_logits=True).shape == (2, 1280)
