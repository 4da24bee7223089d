"""Cost by parts against whole networks, and against a second counter."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vitspace.anchors import all_anchors
from vitspace.costs import PartCost, cost
from vitspace.costs.counter import on_meta
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.network import build


def count_whole(spec, img_size=224):
    """Params and multiply-adds of the whole network, by torch's own counter."""
    with on_meta():
        network = build(spec).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, img_size, img_size, device="meta"))
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2


@pytest.mark.parametrize("name", [a.id for a in all_anchors().values() if a.role == "anchor" and a.spec])
def test_sum_of_parts_is_the_whole(name):
    spec = anchor(name).spec
    assert (cost(spec).params, cost(spec).macs) == count_whole(spec)


def test_other_image_sizes():
    spec = anchor("msg_tiny").spec
    assert (cost(spec, 320).params, cost(spec, 320).macs) == count_whole(spec, 320)


def test_breakdown_adds_up_and_names_every_part():
    costs = cost(anchor("msg_tiny").spec)
    parts = costs.breakdown()
    total = sum((part for _, part in parts), PartCost())
    assert (total.params, total.macs, total.activations) == (costs.params, costs.macs, costs.activations)
    names = [name for name, _ in parts]
    assert names[0] == "stem" and names[-1] == "head"
    assert sum(" block " in name for name in names) == 2 + 4 + 12 + 4


def test_breakdown_reads_as_a_table():
    costs = cost(anchor("msg_tiny").spec)
    parts = costs.breakdown()
    assert parts.frame["macs"].sum() == costs.macs and list(parts.frame.index) == [name for name, _ in parts]
    stem, shown = parts.frame.loc["stem"], repr(parts).splitlines()
    assert shown[2].split() == ["stem", *(f"{value:,}" for value in stem)] and len(shown) == 2 + len(parts)
    assert "<td>" in parts._repr_html_() and repr(type(parts)()).startswith("Empty DataFrame")


def test_activations_are_outputs_of_convolutions_linears_and_attention_products():
    # Stage 4 of MSG-T at 224: one window of 50 tokens, 512 channels, 16 heads, MLP of 2048.
    block = dict(cost(anchor("msg_tiny").spec).breakdown())["stage 4 block 1"]
    qkv, scores, out, proj, mlp = 50 * 1536, 16 * 50 * 50, 50 * 512, 50 * 512, 50 * 2048 + 50 * 512
    assert block.activations == qkv + scores + out + proj + mlp


def test_an_image_below_the_stride_is_refused():
    with pytest.raises(InputError, match="at least the network's stride 32, but got 16"):
        cost(anchor("msg_tiny").spec, img_size=16)


@pytest.mark.parametrize("what", ["msg_tiny", [anchor("msg_tiny").spec]])
def test_a_cost_is_of_a_spec(what):
    with pytest.raises(InputError, match=r"cost takes a Spec, such as .*, but got "):
        cost(what)
