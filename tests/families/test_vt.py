"""VT-ResNet against its paper: printed costs, equations, and the behaviour that the text claims."""

import math

import pytest
import timm
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.anchors import anchor, assemble
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families.vt import Stage
from vitspace.layers.visual_tokens import (
    ClusteringTokenizer,
    FilterTokenizer,
    PoolingTokenizer,
    RecurrentTokenizer,
    Tokenizer,
    Transformer,
    centroids,
    init_weights,
    normalise,
    token_grid,
)
from vitspace.network import Network, build
from vitspace.spec import Carry, Spec

SMALL = {
    "block": ["basic", "basic", "basic", "vt"],
    "dim": [16, 32, 64, 128],
    "depth": [1, 1, 1, 2],
    "tokens": 8,
    "token_dim": 64,
    "group_width": 32,
    "downsample": ["none", "strided", "strided", "none"],
}


def small(**settings: object) -> Spec:
    return assemble("vt", stage=SMALL | settings)


def small_network(**settings: object) -> Network:
    torch.manual_seed(0)
    return build(small(**settings), num_classes=5).eval()


# Row: our params, our multiply-adds, the printed millions of multiply-adds.
COSTS = {
    "vt_r18": (11_643_432, 1_578_950_656, 1579),
    "vt_r34": (21_847_848, 3_299_008_512, 3299),
    "vt_r18_adv": (11_643_432, 1_568_956_416, 1569),
    "vt_r34_adv": (19_226_408, 3_236_683_776, 3236),
    "vt_r18_tok_pooling": (11_033_128, 1_549_688_832, 1550),
    "vt_r34_tok_pooling": (20_647_720, 3_245_301_760, 3246),
    "vt_r18_no_recurrent": (11_094_568, 1_564_139_520, 1564),
    "vt_r18_rel_none": (8_497_704, 1_527_832_576, 1528),
    "vt_r34_rel_none": (17_129_256, 3_222_331_392, 3222),
    "vt_r18_rel_graphconv": (8_498_216, 1_528_356_864, 1528),
    "vt_r34_rel_graphconv": (17_130_024, 3_223_117_824, 3223),
    "vt_r18_tokens_32": (11_647_528, 1_710_972_928, 1711),
    "vt_r18_tokens_64": (11_655_720, 1_979_736_064, 1979),
    "vt_r34_tokens_32": (21_851_944, 3_514_130_432, 3514),
    "vt_r34_tokens_64": (21_860_136, 3_951_452_160, 3951),
    "vt_r18_no_projector": (9_333_288, 1_497_227_264, 1497),
    "vt_r34_no_projector": (17_342_248, 3_158_040_576, 3158),
}
# Rows that no reading reproduces: our params and multiply-adds, for the residual that is shown.
UNREPRODUCED = {
    "vt_r34_no_recurrent": (20_750_120, 3_269_386_240),
    "vt_r18_tok_clustering": (11_639_336, 1_580_556_288),
    "vt_r34_tok_clustering": (21_843_752, 3_300_614_144),
    "vt_r50_adv": (22_093_864, 3_392_987_136),
    "vt_r101_adv": (41_085_992, 7_105_208_320),
}


@pytest.mark.parametrize("row", COSTS)
def test_costs_are_the_printed_ones(row):
    params, macs, printed_m = COSTS[row]
    got = cost(anchor(row).spec)
    assert (got.params, got.macs) == (params, macs)
    assert got.macs / 1e6 == pytest.approx(printed_m, rel=0.0005)
    assert round(got.params / 1e6, 1) == pytest.approx(anchor(row).published["params_m"], abs=0.1001)
    assert not anchor(row).unreproduced


@pytest.mark.parametrize("row", UNREPRODUCED)
def test_what_does_not_reproduce_says_why(row):
    got = cost(anchor(row).spec)
    assert (got.params, got.macs) == UNREPRODUCED[row]
    assert anchor(row).unreproduced


@pytest.mark.parametrize("row", ["vt_r18", "vt_r18_no_projector", "vt_r18_adv"])
def test_the_count_is_the_built_networks(row):
    with torch.device("meta"):
        network = build(anchor(row).spec)
    assert sum(p.numel() for p in network.parameters()) == COSTS[row][0]


@pytest.mark.parametrize(
    "name, block, depth", [("resnet18", "basic", [2, 2, 2, 2]), ("resnet50", "bottleneck", [3, 4, 6, 3])]
)
def test_residual_stages_are_resnets(name, block, depth):
    torch.manual_seed(0)
    reference = timm.create_model(name).eval()
    ours = build(assemble("vt", stage={"block": block, "dim": [64, 128, 256, 512], "depth": depth})).eval()
    ours.load_state_dict({_our_name(key): value for key, value in reference.state_dict().items()})
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(image), reference(image), atol=1e-5, rtol=1e-5)


def _our_name(key: str) -> str:
    if key.startswith("layer"):
        layer, rest = key.split(".", 1)
        return f"stages.{int(layer[5:]) - 1}.blocks.{rest}"
    return f"head.{key}" if key.startswith("fc") else f"stem.{key}"


def tokenizers() -> list[Tokenizer]:
    torch.manual_seed(0)
    made = [kind(32, 64, 16, 6) for kind in (FilterTokenizer, ClusteringTokenizer, RecurrentTokenizer)]
    return [tokenizer.apply(init_weights) for tokenizer in made]


@pytest.mark.parametrize("tokenizer", tokenizers(), ids=lambda t: type(t).__name__)
def test_attention_sums_to_one_over_space(tokenizer):
    x, tokens = torch.randn(2, 32, 5, 7), torch.randn(2, 6, 64)
    attention = tokenizer.attention(x, tokens)
    assert attention.shape == (2, 6, 35)
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 6))


@pytest.mark.parametrize("tokenizer", tokenizers(), ids=lambda t: type(t).__name__)
def test_only_the_recurrent_tokenizer_depends_on_the_tokens_before(tokenizer):
    x, tokens = torch.randn(2, 32, 5, 7), torch.randn(2, 6, 64)
    same = torch.allclose(tokenizer(x, tokens), tokenizer(x, tokens + torch.randn(2, 6, 64)))
    assert same is not isinstance(tokenizer, RecurrentTokenizer)


def test_half_a_refresh_keeps_the_other_half():
    tokenizer = RecurrentTokenizer(32, 64, 16, fresh=3).apply(init_weights)
    tokens = torch.randn(2, 6, 64)
    made = tokenizer(torch.randn(2, 32, 5, 7), tokens)
    assert made.shape == tokens.shape
    assert torch.equal(made[:, :3], tokens[:, 3:])


def test_clusters_are_found():
    x = torch.zeros(1, 4, 6, 6)
    x[:, 0, :, :3], x[:, 1, :, 3:] = 2.0, 5.0
    found = centroids(x, (1, 2))
    torch.testing.assert_close(found, torch.eye(2, 4)[None])


def test_a_cluster_without_pixels_keeps_its_centroid():
    found = centroids(torch.ones(1, 4, 3, 3), (2, 2))
    torch.testing.assert_close(found, torch.full((1, 4, 4), 0.5))


def test_pooled_tokens_are_the_map_on_a_grid():
    x = torch.randn(1, 8, 2, 3)
    torch.testing.assert_close(PoolingTokenizer(8, 8, 6)(x), normalise(x.flatten(2).mT))


@pytest.mark.parametrize("tokens, grid", [(16, (4, 4)), (8, (2, 4)), (6, (2, 3)), (7, (1, 7)), (1, (1, 1))])
def test_token_grid_is_nearly_square(tokens, grid):
    assert token_grid(tokens) == grid


def plain_grouped(x: Tensor, weight: Tensor) -> Tensor:
    """The grouped 1x1 convolution that [groups, C / groups, C_in / groups] weights stand for, on [B, N, C_in]."""
    return F.conv1d(x.mT, weight.flatten(0, 1)[..., None], groups=len(weight)).mT


def plain_norm(tokens: Tensor) -> Tensor:
    centred = tokens - tokens.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def plain_transformer(module: Transformer, tokens: Tensor) -> Tensor:
    """Eqs. 3 and 4 with the value map, K, Q and V as three grouped layers."""
    C = tokens.shape[-1]
    q_weight, k_weight, v_weight = module.qkv.weight.split([C // 8, C // 8, C // 4], dim=1)
    q, k, v = (plain_grouped(tokens, weight) for weight in (q_weight, k_weight, v_weight))
    tokens = plain_norm(tokens + (q @ k.mT / math.sqrt(C // 2)).softmax(-1) @ v)
    return plain_norm(tokens + F.relu(tokens @ module.ff1.weight.T) @ module.ff2.weight.T)


def plain_module(block: nn.Module, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
    """Eqs. 1 to 5 on pixels [B, N, C]."""
    tokenizer, projector = block.tokenizer, block.projector
    if before is None:
        logits = x @ tokenizer.coefficient.weight[:, :, 0, 0].T
    else:
        keys = plain_grouped(x, tokenizer.key.weight)
        logits = keys @ (before @ tokenizer.query.weight.T).mT / math.sqrt(x.shape[-1])
    tokens = logits.softmax(1).mT @ plain_grouped(x, tokenizer.value.weight) @ tokenizer.token.weight.T
    tokens = plain_transformer(block.mixer, plain_norm(tokens))
    if projector is None:
        return x, tokens
    query, key = plain_grouped(x, projector.query.weight), tokens @ projector.key.weight.T
    seen = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1) @ (tokens @ projector.value.weight.T)
    return x @ projector.feature.weight[:, :, 0, 0].T + seen, tokens


def test_a_stage_equals_the_plain_equations():
    stage = small_network(token_dim=96).stages[3]
    x = torch.randn(2, 64, 5, 7)
    pixels, tokens = x.flatten(2).mT, None
    for block in stage.blocks:
        pixels, tokens = plain_module(block, pixels, tokens)
    got, got_tokens = stage(x)
    torch.testing.assert_close(got.flatten(2).mT, pixels, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(got_tokens, tokens, atol=1e-5, rtol=1e-5)


def test_equal_widths_leave_the_equations_as_printed():
    tokenizer = FilterTokenizer(32, 32, 16, 4)
    assert isinstance(tokenizer.token, nn.Identity)
    stage = small_network(dim=[16, 32, 64, 64]).stages[3]
    assert isinstance(stage.blocks[0].projector.feature, nn.Identity)
    assert isinstance(stage.blocks[0].projector.value, nn.Identity)


def test_without_a_projector_the_map_does_not_change():
    stage = small_network(dim=[16, 32, 64, 64], projector="none").stages[3]
    x = torch.randn(2, 64, 4, 4)
    assert stage(x)[0] is x
    assert [block.tokenizer is None for block in stage.blocks] == [False, True]


@pytest.mark.parametrize("projector, features", [("inner", 64), ("all", 128)])
def test_the_head_reads_tokens_unless_they_are_projected(projector, features):
    network = small_network(projector=projector)
    x, tokens = network.forward_features(torch.randn(2, 3, 64, 64))
    pooled = network.forward_head((x, tokens), pre_logits=True)
    assert network.head_hidden_size == features
    torch.testing.assert_close(pooled, tokens.mean(1) if projector == "inner" else x.mean((2, 3)))


def test_a_stage_that_is_handed_tokens_refines_them():
    network = small_network(block=["basic", "basic", "vt", "vt"], recurrent="half", projector="all")
    assert isinstance(network.stages[2].blocks[0].tokenizer, FilterTokenizer)
    assert isinstance(network.stages[3].blocks[0].tokenizer, RecurrentTokenizer)
    x, tokens = torch.randn(1, 64, 4, 4), torch.randn(1, 8, 64)
    assert not torch.allclose(network.stages[3](x, tokens)[1], network.stages[3](x, tokens.flip(1))[1])


def test_foreign_tokens_are_dropped():
    stage = Stage(dim=128, depth=1, block="vt", tokens=8, token_dim=64, projector="all")
    carry = Carry("msg", 64, 8)
    module = stage.build(64, carry, [0.0]).apply(init_weights)
    assert not stage.takes(carry)
    x, tokens = module(torch.randn(1, 64, 4, 4), torch.randn(1, 64, 2, 2))
    assert (x.shape, tokens.shape) == ((1, 128, 2, 2), (1, 8, 64))


@pytest.mark.parametrize("height, width", [(33, 33), (97, 65), (64, 64)])
@pytest.mark.parametrize("tokenizer", ["filter", "clustering", "pooling"])
def test_any_image_size(tokenizer, height, width):
    network = small_network(tokenizer=tokenizer, downsample=["none", "strided", "strided", "strided"])
    maps = network.forward_intermediates(torch.randn(1, 3, height, width), intermediates_only=True)
    sizes = [(-(-height // s), -(-width // s)) for s in (4, 8, 16, 32)]
    assert [tuple(m.shape[1:]) for m in maps] == [(c, *size) for c, size in zip((16, 32, 64, 128), sizes, strict=True)]
    assert all(m.isfinite().all() for m in maps)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"recurrent": "none", "tokenizer": "clustering"},
        {"recurrent": "none", "tokenizer": "pooling"},
        {"mixer": "graph", "mix_last": False},
        {"projector": "none", "dim": [16, 32, 64, 64]},
        {"projector": "all", "block": "vt"},
    ],
    ids=str,
)
def test_backward_reaches_every_parameter(settings):
    network = small_network(**settings).train()
    network(torch.randn(2, 3, 64, 64)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    "one, other",
    [
        ({"depth": [1, 1, 1, 1], "dim": [16, 32, 64, 64]}, {"projector": "none", "recurrent": "half"}),
        ({"projector": "none", "dim": [16, 32, 64, 64]}, {"recurrent": "none"}),
        ({"block": "basic"}, {"tokens": 4, "mixer": "none", "projector": "all"}),
        ({"block": ["basic", "basic", "vt", "vt"], "depth": 2}, {"tokenizer": ["filter"] * 3 + ["pooling"]}),
    ],
    ids=["one module", "no projector", "no modules", "tokens handed on"],
)
def test_what_means_nothing_is_reset(one, other):
    assert small(**one) == small(**(one | other))


@pytest.mark.parametrize(
    "settings, rule",
    [
        ({"tokens": 7, "recurrent": "half"}, "tokens=7"),
        ({"token_dim": 100}, "token_dim=100"),
        ({"tokens": 0}, "at least 1"),
        ({"projector": "none"}, "dim stays 64, but got dim=128"),
        ({"block": ["basic", "vt", "basic", "vt"], "depth": 2}, "or they are lost"),
        ({"block": ["basic", "basic", "vt", "vt"], "depth": 2, "tokens": [8, 8, 8, 16]}, "or they are lost"),
    ],
    ids=str,
)
def test_rules_are_stated(settings, rule):
    with pytest.raises(InputError, match=rule):
        small(**settings)
