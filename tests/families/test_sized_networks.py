"""Networks of all families at other heights and widths than 224."""

import pytest
import timm
import torch
from designs import at_most

import vitspace.families  # noqa: F401 (registers the anchors with timm)
from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.costs.counter import count_network, on_meta
from vitspace.errors import InputError
from vitspace.network import build

ANCHORS = ["msg_tiny", "emsnet_xxtiny", "mat_1", "partialformer_b0", "vt_r18", "transcnn_small"]


@pytest.mark.parametrize("size", [(192, 256), 256, (225, 193), 240])
@pytest.mark.parametrize("name", ANCHORS)
def test_the_sum_of_the_parts_is_the_count_of_the_whole(name, size):
    spec = at_most(4, anchor(name).at(size))
    height, width = (size, size) if isinstance(size, int) else size
    with on_meta():
        network = build(spec, img_size=size)
    whole, parts = count_network(network, 3, height, width), cost(spec, size)
    assert (parts.macs, parts.params, parts.activations) == (whole.macs, whole.params, whole.activations)
    assert sum(part.macs for _, part in parts.breakdown()) == parts.macs


@pytest.mark.parametrize("name", ANCHORS)
def test_a_network_of_timm_follows_the_size(name):
    network = timm.create_model(name, img_size=(192, 256), num_classes=10).eval()
    assert network.pretrained_cfg["input_size"] == (3, 192, 256)
    assert network.spec == anchor(name).at((192, 256))
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 192, 256)).shape == (1, 10)


def test_a_map_has_no_more_windows_than_it_had():
    spec = anchor("msg_tiny").spec
    assert [stage.window for stage in spec.at(256).stages] == [8] * 4
    assert [stage.window for stage in spec.at((192, 256)).stages] == [6] * 4
    assert [stage.window for stage in spec.at(208).stages] == [7] * 4
    assert spec.at(256).written_at(256) == spec
    assert spec.at(224) == spec


def test_windows_that_follow_are_not_padded():
    spec = anchor("msg_tiny").spec
    share = cost(spec).macs * (256 / 224) ** 2
    assert cost(spec, 256).macs / share == pytest.approx(1.77, abs=0.01)
    assert cost(spec.at(256), 256).macs / share == pytest.approx(1.01, abs=0.01)


@pytest.mark.parametrize(
    ("size", "rule"),
    [((224, 31), "at least the network's stride 32, but got 31"), (4128, "32 to 4096"), ("224", "a whole number or")],
)
def test_sizes_that_cannot_be_are_refused(size, rule):
    spec = anchor("mat_1").spec
    for ask in (cost, lambda s, z: build(s, img_size=z)):
        with pytest.raises(InputError, match=rule):
            ask(spec, size)
