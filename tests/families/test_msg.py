"""MSG-Transformer: the paper's numbers, its equations in the public release's naming, and what the shuffle promises."""

from itertools import product

import pytest
import torch
from torch import nn

from vitspace.anchors import anchor, assemble
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import msg
from vitspace.network import build

PARAMS = {
    "msg_tiny": 25_086_116,
    "msg_small": 55_968_514,
    "msg_base": 84_392_770,
    "msg_scale_96": 28_290_166,
    "msg_scale_64": 24_220_516,
}
# Counting 5 for each element that a LayerNorm puts out, as fvcore does.
GFLOPS = {"msg_tiny": 3.838, "msg_small": 8.485, "msg_base": 14.283, "msg_scale_96": 4.604, "msg_scale_64": 3.721}
PRINTED_GFLOPS = {"msg_tiny": 3.8, "msg_small": 8.4, "msg_base": 14.2, "msg_scale_96": 4.6, "msg_scale_64": 3.7}
TINY = {"dim": [16, 32, 64, 128], "depth": [2, 1, 2, 1], "head_dim": 16, "region_size": [4, 4, 2, 1], "mlp_ratio": 2}


def tiny(stem=None, **settings):
    return assemble("msg", TINY | settings, stem)


def lively(module):
    """Weights, biases and tokens of a size at which every part shows in the output."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.2)
    return module.eval()


# The numbers


@pytest.mark.parametrize("name", PARAMS)
def test_params_are_exact(name):
    assert cost(anchor(name).spec).params == PARAMS[name]


@pytest.mark.parametrize("name", PARAMS)
def test_flops_are_the_printed_ones(name):
    macs = cost(anchor(name).spec).macs
    assert macs / 1e9 == pytest.approx(PRINTED_GFLOPS[name], rel=0.015)
    assert round((macs + norm_flops(anchor(name).spec)) / 1e9, 3) == GFLOPS[name]


def norm_flops(spec):
    with torch.device("meta"):
        network = build(spec).eval()
    flops = []
    for module in network.modules():
        if isinstance(module, nn.LayerNorm):
            module.register_forward_hook(lambda _module, _x, out: flops.append(5 * out.numel()))
    with torch.no_grad():
        network(torch.empty(1, 3, 224, 224, device="meta"))
    return sum(flops)


def test_shuffle_region_sizes_cost_the_same_flops_but_not_tokens():
    names = ["msg_shuffle_2_2_2_1", "msg_shuffle_4_2_2_1", "msg_shuffle_4_4_2_1"]
    small, middle, large = (cost(anchor(name).spec) for name in names)
    assert small.macs == middle.macs == large.macs
    assert (middle.params - small.params, large.params - middle.params) == (1152, 0)


# The shuffle


@pytest.mark.parametrize("region_size", [1, 2, 4])
def test_shuffle_is_an_involution_that_moves_what_it_can(region_size):
    tokens = torch.randn(2, 4, 8, 32)
    once = msg.shuffle(tokens, region_size)
    assert torch.equal(msg.shuffle(once, region_size), tokens)
    assert torch.equal(once, tokens) == (region_size == 1)


def test_shuffle_gives_group_g_of_messenger_r_to_messenger_g():
    tokens = torch.randn(1, 2, 2, 8)
    got = msg.shuffle(tokens, 2).reshape(4, 4, 2)
    sent = tokens.reshape(4, 4, 2)
    assert all(torch.equal(got[g, r], sent[r, g]) for g, r in product(range(4), repeat=2))


def moved_windows(stage, x, window, at):
    """For every block: (messengers, patches) as sets of windows whose values move when window ``at`` does."""

    def run(x):
        seen = []
        handles = [block.register_forward_hook(lambda _m, _x, out: seen.append(out)) for block in stage.blocks]
        with torch.no_grad():
            stage(x)
        for handle in handles:
            handle.remove()
        return seen

    other = x.clone()
    r, c = (i * window for i in at)
    other[..., r : r + window, c : c + window] += torch.randn(x.shape[1], window, window)
    cols = -(-x.shape[3] // window)
    found = []
    for before, after in zip(run(x), run(other), strict=True):
        differs = ((before - after).abs() > 1e-7).any(3)[0]
        sides = differs[:, 0], differs[:, 1:].any(1)
        found.append(tuple({divmod(int(i), cols) for i in side.nonzero()} for side in sides))
    return found


def shuffling_stage(**settings):
    spec = msg.Stage(**{"dim": 16, "depth": 3, "downsample": "none", "head_dim": 16, "window": 3} | settings)
    return lively(spec.build(16, None, [0.0] * spec.depth))


def region(top, left, side=2):
    return {(top + i, left + j) for i, j in product(range(side), repeat=2)}


def test_a_window_reaches_exactly_its_region_block_by_block():
    stage = shuffling_stage(region_size=2)
    found = moved_windows(stage, torch.randn(1, 16, 12, 12), 3, at=(2, 1))
    assert found[0] == (region(2, 0), {(2, 1)})
    assert found[1] == (region(2, 0), region(2, 0))
    assert found[2] == (region(2, 0), region(2, 0))


@pytest.mark.parametrize("settings", [{"region_size": 1}, {"exchange": "none"}, {"exchange": "no_token"}], ids=str)
def test_without_shuffle_a_window_reaches_itself_alone(settings):
    stage = shuffling_stage(**settings)
    found = moved_windows(stage, torch.randn(1, 16, 12, 12), 3, at=(2, 1))
    reached = set().union(*(side for block in found for side in block))
    assert reached == {(2, 1)}


def test_regions_alternate_between_the_corners_of_a_grid_they_do_not_cover():
    stage = shuffling_stage(region_size=2)
    found = moved_windows(stage, torch.randn(1, 16, 9, 9), 3, at=(0, 0))
    assert found[0] == (region(0, 0), {(0, 0)})
    assert found[1] == (region(0, 0) | region(1, 1), region(0, 0))
    assert found[2][1] == region(0, 0) | region(1, 1)


def test_a_window_outside_every_region_keeps_its_messenger():
    tokens = torch.randn(1, 9, 8)
    first = msg.shuffle_messengers(tokens, (3, 3), 2, anchor_last=False).reshape(3, 3, 8)
    last = msg.shuffle_messengers(tokens, (3, 3), 2, anchor_last=True).reshape(3, 3, 8)
    before = tokens.reshape(3, 3, 8)
    assert torch.equal(first[2], before[2]) and torch.equal(first[:, 2], before[:, 2])
    assert torch.equal(last[0], before[0]) and torch.equal(last[:, 0], before[:, 0])


def test_a_grid_smaller_than_a_region_is_left_alone():
    tokens = torch.randn(1, 6, 16)
    assert torch.equal(msg.shuffle_messengers(tokens, (3, 2), 4, anchor_last=False), tokens)


# Any image


def test_padding_never_reaches_a_token(monkeypatch):
    def partition_with_noise(x, window):
        sides = [-(-size // window) * window for size in x.shape[2:]]
        padded = 100 * torch.randn(*x.shape[:2], *sides)
        padded[..., : x.shape[2], : x.shape[3]] = x
        return partition(padded, window)

    partition = msg.partition
    network = lively(build(tiny(), num_classes=5))
    x = torch.randn(2, 3, 60, 52)
    with torch.no_grad():
        plain, maps = network(x), network.forward_intermediates(x, intermediates_only=True)
        monkeypatch.setattr(msg, "partition", partition_with_noise)
        torch.testing.assert_close(network(x), plain, rtol=1e-5, atol=1e-5)
        noisy = network.forward_intermediates(x, intermediates_only=True)
    torch.testing.assert_close(noisy, maps, rtol=1e-5, atol=1e-5)


def test_twice_the_resolution_gives_one_output_an_image():
    network = lively(build(tiny(depth=1), num_classes=5))
    x = torch.randn(2, 3, 448, 448)
    with torch.no_grad():
        both, second = network(x), network(x[1:])
    assert both.shape == (2, 5)
    torch.testing.assert_close(both[1:], second, rtol=1e-4, atol=1e-5)


def test_concat_merging_is_the_linear_map_of_four_neighbours():
    merging = lively(msg.ConcatMerging(4, 8))
    x = torch.randn(2, 4, 5, 6)
    padded = nn.functional.pad(x, (0, 0, 0, 1))
    four = torch.cat([padded[..., i::2, j::2] for i, j in product(range(2), repeat=2)], 1)
    expected = merging.reduction(merging.norm(four.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
    torch.testing.assert_close(merging(x), expected)


# The spec


def test_fields_without_meaning_do_not_tell_specs_apart():
    assert tiny(exchange="none").id == tiny(exchange="none", region_size=1).id
    assert tiny(exchange="no_token", token_init="random").id == tiny(exchange="no_token").id
    assert tiny(token_init=["learned", "random", "random", "random"]).id == tiny().id
    assert tiny(token_init="random").id != tiny().id


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"head_dim": 24}, "stage 1: head_dim must divide dim, but got head_dim=24, dim=16"),
        ({"region_size": [8, 4, 2, 1]}, r"region_size\^2 must divide dim, but got region_size=8, dim=16"),
        ({"window": 0}, "window is at least 1, but got window=0"),
        ({"downsample": "none"}, "stage 2: without downsampling dim stays 16, but got dim=32"),
    ],
)
def test_a_broken_rule_is_named(settings, rule):
    with pytest.raises(InputError, match=rule):
        tiny(**settings)


def test_windows_follow_the_image_and_regions_stay():
    smaller = anchor("msg_tiny").spec.rescaled(64 / 224)
    assert [(stage.window, stage.region_size) for stage in smaller.stages] == [(2, 4), (2, 4), (2, 2), (2, 1)]


@pytest.mark.parametrize(("window", "small"), [(4, 2), (7, 2), (8, 2), (14, 4), (1, 1)])
def test_a_smaller_window_still_holds_tokens_to_attend_to(window, small):
    stages = [stage.changed(window=window, region_size=1) for stage in anchor("msg_tiny").spec.stages]
    assert [stage.rescaled(64 / 224).window for stage in stages] == [small] * 4


def test_random_tokens_are_no_parameters_but_travel_with_the_state():
    network = build(tiny(token_init="random"))
    assert "stages.0.msg_tokens" not in dict(network.named_parameters())
    assert "stages.0.msg_tokens" in network.state_dict()


@pytest.mark.parametrize(
    ("settings", "stem"),
    [
        ({}, None),
        ({"downsample": "concat"}, {"patch": "plain"}),
        ({"exchange": "none"}, None),
        ({"exchange": "no_token"}, None),
        ({"token_init": "random"}, None),
        ({"window": [7, 4, 7, 7]}, None),
    ],
    ids=str,
)
def test_every_parameter_has_a_gradient(settings, stem):
    network = build(tiny(stem, **settings), num_classes=5, drop_path_rate=0.1).train()
    network(torch.randn(2, 3, 97, 65)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
