"""What every family promises; a new one inherits these tests through its space and its anchors, with no edit here.

`designs` says which designs stand for a space. Exports, compilers and memory formats are in `test_deployment`.
"""

from dataclasses import fields, replace
from functools import cache

import pytest
import timm
import torch
from designs import (
    ANCHORS,
    AXES,
    ROWS,
    SMALL_ANCHORS,
    SPACES,
    assert_near,
    at_end,
    at_most,
    draws,
    lively,
    load,
    small_designs,
    small_network,
)
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from vitspace.anchors import anchor, list_anchors
from vitspace.costs import cost
from vitspace.costs.counter import on_meta
from vitspace.families import FAMILIES
from vitspace.network import build
from vitspace.spec import Spec

SIZES = [(64, 64), (97, 65), (33, 33)]
RATIO = 64 / 224
#: Blocks of a stage of which one is not counted, since it costs what the one before it does.
SEEN = 4

each_space = pytest.mark.parametrize("space", SPACES)
each_anchor = pytest.mark.parametrize("name", ANCHORS)


def run_on_meta(spec, size, batch=2):
    with on_meta():
        network = build(spec).eval()
    return network(torch.empty(batch, 3, size, size, device="meta"))


@cache
def count_whole(spec, img_size):
    """Params and multiply-adds of the whole network, by torch's own counter."""
    with on_meta():
        network = build(spec).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, img_size, img_size, device="meta"))
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2


def trained(spec, image, checkpointing=False, **settings):
    """A network in training mode after a backward pass, and its output."""
    torch.manual_seed(0)
    network = build(spec, num_classes=5, **settings).train()
    network.set_grad_checkpointing(checkpointing)
    torch.manual_seed(1)
    out = network(image)
    out.square().sum().backward()
    return network, out


def pyramid(info, height, width):
    """Sides that a map of each stage may have: the image's over the stage's stride, rounded down or up."""
    return [
        (range(height // r, -(-height // r) + 1), range(width // r, -(-width // r) + 1))
        for r in (stage["reduction"] for stage in info)
    ]


# Spaces


def test_every_family_has_a_space_and_anchors_in_it():
    assert {load(name).config.family for name in SPACES} >= set(FAMILIES)
    assert {anchor(name).family for name in ANCHORS} == set(FAMILIES)


@pytest.mark.parametrize("end", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize(("space", "axis"), AXES)
def test_an_axis_at_its_ends_builds_or_says_why_not(space, axis, end):
    designs, refusals = at_end(space, axis, end)
    for refusal in refusals:
        rule, _, values = refusal.partition(", but got ")
        assert rule.startswith(("stage", axis)) and values, refusal
    assert designs or refusals
    for spec in designs:
        assert load(space).decode(load(space).encode(spec)) == spec
        assert run_on_meta(spec, load(space).resolution).shape == (2, 1000)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_point_of_its_familys_space(name):
    spec = anchor(name).spec
    space = load(anchor(name).family)
    assert space.decode(space.encode(spec)) == spec


# Specs


@each_space
def test_a_spec_comes_back_from_json_and_keeps_its_id(space):
    for spec in (*draws(space, 8), *small_designs(space)):
        again = Spec.from_json(spec.to_json())
        assert (again, again.id, hash(again), again.carries) == (spec, spec.id, hash(spec), spec.carries)
        assert Spec(spec.stem, spec.stages, spec.head) == spec


@each_space
def test_fields_at_their_defaults_may_be_left_out(space):
    for spec in draws(space, 8):
        parts = {"stem": spec.stem.identity(), "stages": [s.identity() for s in spec.stages]}
        assert Spec.from_dict(parts | {"head": spec.head.identity()}) == spec


@each_anchor
def test_a_smaller_image_changes_sizes_of_windows_and_nothing_else(name):
    spec = anchor(name).spec
    small = spec.rescaled(RATIO)
    assert (small.stem, small.head, small.in_dims, small.depth) == (spec.stem, spec.head, spec.in_dims, spec.depth)
    for stage, scaled in zip(spec.stages, small.stages, strict=True):
        for field in fields(stage):
            old, new = getattr(stage, field.name), getattr(scaled, field.name)
            assert new == old or (new >= 1 and abs(new - old * RATIO) < 1), field.name
            assert new == old or not field.name.endswith(("ratio", "region_size", "tokens", "heads", "dim"))
    assert run_on_meta(at_most(2, small), 64).shape == (2, 1000)


# Costs


@each_space
def test_the_sum_of_parts_is_the_whole_and_equal_specs_cost_the_same(space):
    size = load(space).resolution
    for spec in (*(at_most(SEEN, spec) for spec in draws(space, 4)), *small_designs(space)):
        again = Spec.from_json(spec.to_json())
        assert again is not spec
        # Counted anew: the costs of parts are remembered, so that asking twice would compare a number with itself.
        assert (cost(spec, size).params, cost(spec, size).macs) == count_whole(again, size)


@each_space
def test_blocks_that_are_not_counted_cost_what_the_counted_do(space):
    size = load(space).resolution
    for spec in small_designs(space):
        deep = replace(spec, stages=tuple(stage.changed(depth=SEEN) for stage in spec.stages))
        assert (cost(deep, size).params, cost(deep, size).macs) == count_whole(deep, size)


@each_space
def test_a_stage_costs_what_its_twin_costs(space):
    size = load(space).resolution
    for spec in (at_most(SEEN, spec) for spec in draws(space, 8)):
        pairs = zip(spec.stages, spec.carries, strict=False)
        twin = replace(spec, stages=tuple(stage.cost_twin(carry) for stage, carry in pairs))
        assert twin == spec or count_whole(twin, size) == count_whole(spec, size)


# Images of any size


@pytest.mark.parametrize("size", SIZES, ids=str)
@each_space
@torch.no_grad()
def test_any_image_gives_scores_and_a_pyramid(space, size):
    image = torch.randn(2, 3, *size)
    for spec in small_designs(space):
        network = small_network(spec)
        features, maps = network.forward_intermediates(image)
        scores = network(image)
        assert scores.shape == (2, 5)
        assert scores.isfinite().all()
        torch.testing.assert_close(network.forward_head(features), scores)
        assert [m.shape[1] for m in maps] == [stage.out_dim for stage in spec.stages]
        for m, (heights, widths) in zip(maps, pyramid(network.feature_info, *size), strict=True):
            assert m.shape[2] in heights and m.shape[3] in widths


@each_space
@torch.no_grad()
def test_images_of_a_batch_do_not_see_each_other(space):
    image = torch.randn(3, 3, 60, 52).double()
    for spec in small_designs(space):
        network = lively(spec).double()
        maps = network.forward_intermediates(image, intermediates_only=True)
        for i in range(3):
            alone = network.forward_intermediates(image[i : i + 1], intermediates_only=True)
            assert_near(alone, [m[i : i + 1] for m in maps])
        assert_near(network(image)[1:2], network(image[1:2]))


class NoisyPadding(TorchDispatchMode):
    """Puts noise where maps are padded, but for the stem and downsamplings, which see zeros as a convolution does."""

    def __init__(self, network):
        super().__init__()
        self.active, self.padded = True, 0
        for part in (network.stem, *(stage.downsample for stage in network.stages)):
            if part is not None:
                part.register_forward_pre_hook(lambda *_: self.switch(False))
                part.register_forward_hook(lambda *_: self.switch(True))

    def switch(self, active):
        self.active = active

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if self.active and func is torch.ops.aten.constant_pad_nd.default and args[0].ndim > 3 and len(args[1]) > 2:
            self.padded += 1
            real = func(torch.ones_like(args[0]), args[1])
            return torch.where(real == 1, out, 3 * torch.randn_like(out))
        return out


@pytest.mark.parametrize("size", [(60, 52), (97, 65)], ids=str)
@each_space
@torch.no_grad()
def test_padding_reaches_no_real_position(space, size):
    image = torch.randn(2, 3, *size).double()
    for spec in small_designs(space):
        network = lively(spec).double()
        maps, scores = network.forward_intermediates(image, intermediates_only=True), network(image)
        with NoisyPadding(network):
            noisy = network.forward_intermediates(image, intermediates_only=True)
            assert_near(network(image), scores)
        assert_near(noisy, maps)


# Training


@each_space
def test_the_gradient_reaches_every_parameter(space):
    for spec in small_designs(space):
        network, _ = trained(spec, torch.randn(2, 3, 64, 64))
        gradients = {name: p.grad for name, p in network.named_parameters()}
        assert not [name for name, gradient in gradients.items() if gradient is None], spec.id
        assert all(gradient.isfinite().all() for gradient in gradients.values())


@each_space
def test_gradient_checkpointing_changes_nothing(space):
    image = torch.randn(2, 3, 64, 64)
    for spec in small_designs(space)[:3]:
        (plain, out), (checkpointed, again) = (
            trained(spec, image, drop_path_rate=0.3, checkpointing=checkpointing) for checkpointing in (False, True)
        )
        torch.testing.assert_close(again, out)
        gradients = ([p.grad for p in network.parameters()] for network in (plain, checkpointed))
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


@each_space
@torch.no_grad()
def test_training_and_evaluation_are_one_function(space):
    image = torch.randn(2, 3, 97, 65).double()
    for spec in small_designs(space):
        network = lively(spec).double()
        expected = network(image)
        network.train()
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        assert_near(network(image), expected)


# The head and the state


@each_space
@torch.no_grad()
def test_the_classifier_can_be_left_out_replaced_and_removed(space):
    image = torch.randn(2, 3, 64, 64)
    for spec in small_designs(space)[:2]:
        network = build(spec, num_classes=5).eval()
        features = network.forward_head(network.forward_features(image), pre_logits=True)
        assert features.shape == (2, network.head_hidden_size)
        torch.testing.assert_close(network.get_classifier()(features), network(image))
        bare = build(spec, num_classes=0).eval()
        bare.load_state_dict({k: v for k, v in network.state_dict().items() if "head.fc" not in k})
        torch.testing.assert_close(bare(image), features)
        network.reset_classifier(7)
        assert (network(image).shape, network.num_classes) == ((2, 7), 7)
        network.reset_classifier(0)
        torch.testing.assert_close(network(image), features)


@each_space
def test_state_travels_as_safetensors(space, tmp_path):
    image = torch.randn(2, 3, 64, 64)
    for spec in small_designs(space)[:3]:
        one, _ = trained(spec, image)
        torch.manual_seed(2)
        other = build(spec, num_classes=5)
        save_file(one.state_dict(), tmp_path / "one.safetensors")
        other.load_state_dict(load_file(tmp_path / "one.safetensors"))
        with torch.no_grad():
            assert torch.equal(other.eval()(image), one.eval()(image))


# timm's registry


@each_anchor
def test_an_anchor_is_a_model_of_timm_without_weights(name):
    assert name in timm.list_models(f"{name}*")
    assert name not in timm.list_pretrained()
    with on_meta():
        network = timm.create_model(name, num_classes=10, in_chans=1, drop_path_rate=0.1)
    assert network.spec == anchor(name).spec
    assert (network.num_classes, network.in_chans) == (10, 1)
    config, side = network.pretrained_cfg, anchor(name).resolution
    assert (config["architecture"], config["num_classes"], config["input_size"]) == (name, 1000, (3, side, side))
    assert not any(config.get(key) for key in ("url", "file", "hf_hub_id"))
    assert network.get_submodule(config["classifier"]) is network.get_classifier()


@pytest.mark.parametrize("name", SMALL_ANCHORS)
def test_weights_that_do_not_exist_are_refused(name):
    with torch.device("meta"), pytest.raises(RuntimeError, match=f"No pretrained weights exist for {name}"):
        timm.create_model(name, pretrained=True)


def test_no_other_row_is_a_model_of_timm():
    assert not set(timm.list_models()) & set(list_anchors("ablation"))


@pytest.mark.parametrize("name", SMALL_ANCHORS)
@torch.no_grad()
def test_features_only_is_a_pyramid(name):
    network = timm.create_model(name, features_only=True).eval()
    maps = network(torch.randn(1, 3, 97, 65))
    info, spec = network.feature_info, anchor(name).spec
    assert info.reduction() == sorted(info.reduction()) and info.reduction()[-1] == spec.stride
    assert [m.shape[1] for m in maps] == info.channels() == [stage.out_dim for stage in spec.stages]
    for m, (heights, widths) in zip(maps, pyramid(info.get_dicts(), 97, 65), strict=True):
        assert m.shape[2] in heights and m.shape[3] in widths


@pytest.mark.parametrize("name", SMALL_ANCHORS)
@torch.no_grad()
def test_features_are_the_networks_own(name):
    features = timm.create_model(name, features_only=True, out_indices=(1, 2)).eval()
    network = timm.create_model(name, num_classes=0).eval()
    missing, unknown = network.load_state_dict(features.model.state_dict(), strict=False)
    assert not unknown and not [key for key in missing if not key.startswith(("head.", "stages.3."))]
    image = torch.randn(1, 3, 64, 64)
    expected = network.forward_intermediates(image, indices=[1, 2], intermediates_only=True)
    assert features.feature_info.reduction() == [network.feature_info[i]["reduction"] for i in (1, 2)]
    torch.testing.assert_close(features(image), expected)
