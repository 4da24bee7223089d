"""Network: what timm expects of a model."""

from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file, save_file
from timm.models._features import FeatureGetterNet
from torch import nn

import vitspace.families  # noqa: F401  (registers the families)
from vitspace.anchors import anchor, assemble
from vitspace.errors import InputError
from vitspace.network import build

SPEC = assemble(
    "msg",
    {"dim": [16, 32, 64, 128], "depth": [1, 2, 2, 1], "head_dim": 16, "region_size": [4, 4, 2, 1], "mlp_ratio": 2},
)


@pytest.fixture
def network():
    return build(SPEC, num_classes=5).eval()


@pytest.fixture
def image():
    return torch.randn(2, 3, 64, 64)


# Features


@pytest.mark.parametrize(("size", "sides"), [(224, [56, 28, 14, 7]), (64, [16, 8, 4, 2])])
def test_intermediates_are_a_pyramid_of_strides_4_to_32(network, size, sides):
    with torch.no_grad():
        maps = network.forward_intermediates(torch.randn(1, 3, size, size), intermediates_only=True)
    assert [tuple(m.shape) for m in maps] == [(1, dim, s, s) for dim, s in zip([16, 32, 64, 128], sides, strict=True)]
    assert [info["reduction"] for info in network.feature_info] == [4, 8, 16, 32]
    assert [info["num_chs"] for info in network.feature_info] == [16, 32, 64, 128]


def test_features_only_of_timm_wraps_a_network(network, image):
    maps = network.forward_intermediates(image, intermediates_only=True)
    features = FeatureGetterNet(network, out_indices=(1, 2))
    assert features.feature_info.reduction() == [8, 16]
    for got, expected in zip(features(image), maps[1:3], strict=True):
        torch.testing.assert_close(got, expected)


def test_intermediates_come_with_the_last_features(network, image):
    features, maps = network.forward_intermediates(image, indices=[-1, 0])
    torch.testing.assert_close(network.forward_head(features), network(image))
    assert [m.shape[1] for m in maps] == [128, 16]
    assert len(network.forward_intermediates(image, indices=2, intermediates_only=True)) == 2


@pytest.mark.parametrize("indices", [[4], [-5], [], 0, 5])
def test_a_stage_that_is_not_there_is_refused(network, image, indices):
    with pytest.raises(InputError, match="stages are numbered 0 to 3, but got"):
        network.forward_intermediates(image, indices=indices)


def test_another_output_format_is_refused(network, image):
    with pytest.raises(InputError, match="output_fmt is NCHW, but got 'NLC'"):
        network.forward_intermediates(image, output_fmt="NLC")


def test_stages_after_the_last_index_can_be_dropped(network):
    assert network.prune_intermediate_layers([0, 1]) == [0, 1]
    assert len(network.stages) == 2
    assert isinstance(network.get_classifier(), nn.Identity)


# The classifier


def test_without_classes_the_features_come_out(network, image):
    bare = build(SPEC, num_classes=0).eval()
    bare.load_state_dict({k: v for k, v in network.state_dict().items() if "head.fc" not in k})
    features = network.forward_head(network.forward_features(image), pre_logits=True)
    assert features.shape == (2, network.num_features) == (2, network.head_hidden_size)
    torch.testing.assert_close(bare(image), features)
    torch.testing.assert_close(network.get_classifier()(features), network(image))


def test_the_classifier_can_be_replaced_and_removed(network, image):
    network.reset_classifier(7)
    assert (network(image).shape, network.num_classes) == ((2, 7), 7)
    network.reset_classifier(0)
    assert (network(image).shape, network.num_classes) == ((2, 128), 0)


def test_drop_rate_is_dropout_before_the_classifier(image):
    network = build(SPEC, num_classes=5, drop_rate=1.0).train()
    assert torch.equal(network(image), network.get_classifier().bias.expand(2, 5))


# Training


def test_stochastic_depth_is_drawn_for_each_sample(image):
    network = build(SPEC, num_classes=5, drop_path_rate=0.5).train()
    same = image[:1].expand(16, -1, -1, -1)
    assert len(network(same).unique(dim=0)) > 1
    network.eval()
    torch.testing.assert_close(network(same), network(image[:1]).expand(16, -1))


def test_stochastic_depth_grows_from_block_to_block():
    blocks = [block for stage in build(SPEC, drop_path_rate=0.5).stages for block in stage.blocks]
    rates = [getattr(block.drop_path, "drop_prob", 0.0) for block in blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert all(a < b for a, b in pairwise(rates))


def test_gradient_checkpointing_changes_neither_outputs_nor_gradients(image):
    def run(checkpointing):
        torch.manual_seed(0)
        network = build(SPEC, num_classes=5, drop_path_rate=0.3).train()
        network.set_grad_checkpointing(checkpointing)
        torch.manual_seed(1)
        out = network(image)
        out.square().sum().backward()
        return out, [p.grad for p in network.parameters()]

    (plain, gradients), (again, recomputed) = run(False), run(True)
    torch.testing.assert_close(again, plain)
    torch.testing.assert_close(recomputed, gradients)


def test_tokens_and_position_biases_do_not_decay(network):
    names = network.no_weight_decay()
    assert {"stages.0.msg_tokens", "stages.1.blocks.0.attn.rel_pos_msg"} < names
    assert "stages.1.blocks.0.attn.relative_position_bias_table" in names
    assert not any(name.endswith("weight") for name in names)


# Building


def test_a_network_builds_and_runs_on_the_meta_device():
    with torch.device("meta"):
        network = build(anchor("msg_base").spec)
        assert network(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
    assert all(p.is_meta for p in network.parameters())


def test_other_images_than_rgb(image):
    assert build(SPEC, num_classes=5, in_chans=1).eval()(image[:, :1]).shape == (2, 5)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"num_classes": -1}, "num_classes is at least 0, but got -1"),
        ({"img_size": 31}, "img_size is at least the network's stride 32, but got 31"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, rule):
    with pytest.raises(InputError, match=rule):
        build(SPEC, **settings)


@pytest.mark.parametrize("token_init", ["learned", "random"])
def test_state_travels_as_safetensors(tmp_path, image, token_init):
    spec = assemble("msg", {"dim": [16, 32], "depth": 1, "head_dim": 16, "token_init": token_init})
    one, other = build(spec, num_classes=5).eval(), build(spec, num_classes=5).eval()
    save_file(one.state_dict(), tmp_path / "one.safetensors")
    other.load_state_dict(load_file(tmp_path / "one.safetensors"))
    assert torch.equal(one(image), other(image))


def test_one_seed_gives_one_network(image):
    def run():
        torch.manual_seed(3)
        return build(SPEC, num_classes=5).eval()(image)

    assert torch.equal(run(), run())
