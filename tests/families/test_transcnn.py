"""TransCNN: the paper's numbers, its equations written out plainly, and what H-MHSA promises."""

import weakref
from itertools import product

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vitspace.anchors import anchor, assemble
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families.transcnn import GridAttention, HierarchicalAttention, Stage, attention, to_map, to_tokens
from vitspace.network import build

# Params; GFLOPs with and without attention products, counting 2 for each element that a BatchNorm puts out.
PUBLISHED = {
    "transcnn_small": (12_898_696, 1.924, 1.792),
    "transcnn_base": (26_538_824, 4.234, 3.995),
    "transcnn_base_abl_irb3x3": (17_373_448, 2.562, 2.562),
    "transcnn_base_abl_irb_default": (17_582_344, 2.639, 2.639),
    "transcnn_base_abl_hmhsa_l1": (23_162_248, 3.712, 3.567),
    "transcnn_base_abl_hmhsa_l2": (23_167_752, 3.386, 3.241),
    "transcnn_base_abl_hmhsa_full": (24_987_848, 4.060, 3.822),
    "transcnn_base_abl_tdb": (26_538_824, 4.234, 3.995),
}
TINY = {"dim": [16, 32, 32, 64], "depth": 1, "head_dim": 16, "grid": [4, 2, 2, 0], "expansion": 2}


def tiny(**settings):
    return assemble("transcnn", TINY | settings)


def block_spec(**settings):
    return Stage(**{"dim": 32, "depth": 1, "head_dim": 16, "grid": 4} | settings)


def lively(module):
    """Evaluation mode with weights, biases and statistics of size one, so that every part shows in the output."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.5, 2)
    return module.eval()


# The numbers


@pytest.mark.parametrize("name", PUBLISHED)
def test_params_are_exact(name):
    assert cost(anchor(name).spec).params == PUBLISHED[name][0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_flops_are_the_papers_with_and_without_attention_products(name):
    norms, products = norm_and_attention_flops(anchor(name).spec)
    whole = cost(anchor(name).spec).macs + norms
    assert (round(whole / 1e9, 3), round((whole - products) / 1e9, 3)) == PUBLISHED[name][1:]


def norm_and_attention_flops(spec):
    """2 per element of a BatchNorm, and H-MHSA's pairs times 2C, at 224 pixels."""
    with torch.device("meta"):
        network = build(spec).eval()
    norms = []
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _module, _x, out: norms.append(2 * out.numel()))
    with torch.no_grad():
        network(torch.empty(1, 3, 224, 224, device="meta"))
    products = 0
    for stage, side in zip(spec.stages, (56, 28, 14, 7), strict=True):
        grid = stage.grid or side
        keys = stage.has_first * grid**2 + stage.has_second * (side // grid) ** 2
        products += (stage.levels != "none") * stage.depth * 2 * stage.dim * side**2 * keys
    return sum(norms), products


# The equations


def reference(network, x):
    """The paper read literally: a loop over grids, softmax written out."""
    x = network.stem(x)
    for spec, stage in zip(network.spec.stages, network.stages, strict=True):
        x = x if stage.downsample is None else reference_downsampling(stage.downsample, x)
        for block in stage.blocks:
            x = x if block.attn is None else x + reference_attention(block.attn, spec, x)
            x = x + block.conv(x)
    return network.head.fc(x.mean((2, 3)))


def reference_downsampling(tdb, x):
    total = 0
    if tdb.conv is not None:
        total = total + tdb.conv(x)
    if tdb.pool is not None:
        odd = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), value=-torch.inf)
        total = total + tdb.pool[1:](F.max_pool2d(odd, 2))
    return total / (1 + (-total).exp())


def reference_attention(attn, spec, x):
    normed = attn.norm(x)
    if not spec.has_second:
        return attn.proj(reference_grids(attn.first, spec, normed))
    a0 = attn.first_norm(x + reference_grids(attn.first, spec, normed)) if spec.has_first else normed
    a1 = reference_pooled(attn.second, spec, a0)
    return attn.proj(a0 + a1 if spec.has_first else a1)


def grids(side, x):
    """Slices of every grid, those at the edge cut off by the map."""
    rows, cols = (range(0, size, side or size) for size in x.shape[2:])
    steps = [side or size for size in x.shape[2:]]
    return [(..., slice(i, i + steps[0]), slice(j, j + steps[1])) for i, j in product(rows, cols)]


def reference_grids(first, spec, x):
    out = torch.empty_like(x)
    for grid in grids(spec.grid, x):
        tokens = x[grid].flatten(2).transpose(1, 2)
        q, k, v = (tokens @ w.T + b for w, b in zip(first.qkv.weight.chunk(3), first.qkv.bias.chunk(3), strict=True))
        out[grid] = softmax_attention(q, k, v, spec.head_dim).transpose(1, 2).reshape(x[grid].shape)
    return out


def reference_pooled(second, spec, x):
    def token(grid):
        highest, mean = x[grid].amax((2, 3)), x[grid].mean((2, 3))
        return {"max_avg": highest + mean, "max": highest, "avg": mean}[spec.pooling]

    sides = [-(-size // spec.grid) for size in x.shape[2:]]
    pooled = torch.stack([token(grid) for grid in grids(spec.grid, x)], 2).unflatten(2, sides)
    pooled = second.norm(pooled)
    tokens = pooled.flatten(2).transpose(1, 2)
    source = x if spec.query == "full" else pooled
    q = second.q(source.flatten(2).transpose(1, 2))
    out = softmax_attention(q, *second.kv(tokens).chunk(2, -1), spec.head_dim)
    out = out.transpose(1, 2).reshape(source.shape)
    if spec.query == "full":
        return out
    wide = (pooled + out).repeat_interleave(spec.grid, 2).repeat_interleave(spec.grid, 3)
    return wide[:, :, : x.shape[2], : x.shape[3]]


def softmax_attention(q, k, v, head_dim):
    heads = [t.split(head_dim, -1) for t in (q, k, v)]
    return torch.cat([(a @ b.mT / head_dim**0.5).softmax(-1) @ c for a, b, c in zip(*heads, strict=True)], -1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"levels": "first", "downsample": "pool"},
        {"levels": "second", "downsample": "conv", "pooling": "max"},
        {"query": "pooled", "pooling": "avg"},
        {"levels": "second", "query": "pooled", "kernel": 5},
        {"levels": "none"},
        {"grid": [3, 16, 3, 2]},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(64, 64), (97, 65), (33, 40)], ids=str)
def test_network_is_the_plain_reading(settings, size):
    network = lively(build(tiny(**settings), num_classes=5))
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        torch.testing.assert_close(network(x), reference(network, x), rtol=1e-5, atol=1e-5)


def test_small_at_224_is_the_plain_reading():
    network = build(anchor("transcnn_small").spec).eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(network(x), reference(network, x), rtol=1e-5, atol=1e-5)


# What H-MHSA promises


@pytest.mark.parametrize("size", [(8, 8), (5, 8)], ids=str)
def test_a_grid_that_covers_the_map_is_full_attention(size):
    level = lively(GridAttention(32, 16, grid=8))
    x = torch.randn(2, 32, *size)
    full = to_map(attention(*level.qkv(to_tokens(x)).chunk(3, -1), head_dim=16), *size)
    torch.testing.assert_close(level(x), full)


def test_first_level_alone_with_covering_grids_is_plain_attention():
    covering = lively(build(tiny(levels="first", grid=16), num_classes=5))
    plain = build(tiny(grid=0), num_classes=5).eval()
    plain.load_state_dict(covering.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(covering(x), plain(x))


def moved(attn, x):
    """[H, W]: which outputs change when the position (1, 1) does."""
    other = x.clone()
    other[:, :, 1, 1] += 5
    with torch.no_grad():
        return ((attn(x) - attn(other)).abs().amax((0, 1)) > 1e-6).float()


def test_first_level_stays_within_the_grid():
    attn = lively(HierarchicalAttention(block_spec(levels="first")))
    expected = torch.zeros(12, 12)
    expected[:4, :4] = 1
    assert torch.equal(moved(attn, torch.randn(1, 32, 12, 12)), expected)


@pytest.mark.parametrize("levels", ["both", "second"])
@pytest.mark.parametrize("query", ["full", "pooled"])
def test_second_level_reaches_the_whole_map(levels, query):
    attn = lively(HierarchicalAttention(block_spec(levels=levels, query=query)))
    assert moved(attn, torch.randn(1, 32, 12, 12)).all()


class PeakMemory(TorchDispatchMode):
    """Follows the bytes of every storage made under it while the storage lives."""

    def __init__(self):
        super().__init__()
        self.live = self.peak = self.largest = 0
        self.known = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._follow(tensor.untyped_storage())
        return out

    def _follow(self, storage):
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.live += size
        self.peak, self.largest = max(self.peak, self.live), max(self.largest, size)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key, size):
        self.known.discard(key)
        self.live -= size


def memory(side, grid, device="meta"):
    """Peak memory of H-MHSA in the first stage of an image of ``side`` pixels, and N."""
    with torch.device(device):
        attn = HierarchicalAttention(Stage(dim=64, depth=1, grid=grid)).eval()
        x = torch.zeros(1, 64, side // 4, side // 4)
    with torch.no_grad(), PeakMemory() as used:
        attn(x)
    return used, (side // 4) ** 2


@pytest.mark.parametrize("grid", [16, 32])
def test_at_1024_pixels_the_largest_tensor_is_n_g0_squared(grid):
    used, n = memory(1024, grid)
    assert used.largest == 4 * n * grid**2
    assert used.peak < 4 * n * grid**2 * 4 < 4 * n**2 / 10


def test_memory_grows_with_n_and_not_with_its_square():
    (small, n_small), (large, n_large) = memory(512, 16), memory(1024, 16)
    assert large.peak / small.peak == pytest.approx(n_large / n_small, rel=0.1)


def test_plain_attention_grows_with_n_squared():
    (small, n_small), (large, n_large) = memory(512, 0), memory(1024, 0)
    assert large.peak / small.peak == pytest.approx((n_large / n_small) ** 2, rel=0.1)


def test_memory_of_a_real_run_at_1024_pixels():
    used, n = memory(1024, 16, device="cpu")
    assert used.peak < 4 * n * 16**2 * 4


# The spec


def test_fields_without_meaning_do_not_tell_specs_apart():
    assert tiny(grid=0, levels="first", query="pooled", pooling="max").id == tiny(grid=0).id
    assert tiny(levels="none", head_dim=32, query="pooled").id == tiny(levels="none", grid=0, head_dim=16).id
    assert tiny(levels="first", pooling="avg").id == tiny(levels="first").id
    assert tiny(levels="second", pooling="avg").id != tiny(levels="second").id


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"head_dim": 48}, "head_dim must divide dim, but got head_dim=48, dim=16"),
        ({"kernel": 4}, "kernel is odd, but got kernel=4"),
        ({"grid": -1}, "grid is at least 0"),
        ({"expansion": 0}, "expansion is at least 1, but got expansion=0"),
        ({"downsample": "none"}, "without downsampling dim stays 16, but got dim=32"),
    ],
)
def test_a_broken_rule_is_named(settings, rule):
    with pytest.raises(InputError, match=rule):
        tiny(**settings)


def test_without_attention_head_dim_need_not_divide():
    assert tiny(levels="none", head_dim=48).stages[0].head_dim == 64


def test_grids_follow_the_image_and_whole_maps_stay_whole():
    smaller = anchor("transcnn_small").spec.rescaled(64 / 224)
    assert [stage.grid for stage in smaller.stages] == [2, 2, 2, 0]


def test_incomplete_grids_do_not_disturb_the_norms_statistics():
    attn = HierarchicalAttention(block_spec(grid=4)).train()
    attn(torch.ones(2, 32, 6, 6))
    torch.testing.assert_close(attn.norm.running_mean, torch.full((32,), 0.1))


@pytest.mark.parametrize("size", [(64, 64), (97, 65), (33, 33)], ids=str)
def test_every_parameter_has_a_gradient(size):
    network = build(tiny(), num_classes=5, drop_path_rate=0.1).train()
    network(torch.randn(2, 3, *size)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.slow
def test_compiles_as_one_graph_and_runs_channels_last():
    network = build(anchor("transcnn_small").spec).eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        plain = network(x)
        last = network.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
        compiled = torch.compile(network, fullgraph=True)(x)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(compiled, plain, rtol=1e-4, atol=1e-5)
