import dataclasses

import pytest
import timm
import torch

import vitspace
from vitspace.accuracy.mixing import _reaching, mixed_share, mixes, reached


def test_all_positions_meet_in_published_designs_and_one_in_those_without_mixing():
    names = ("mat_2", "mat_2_abl_window_attn", "mat_2_abl_pure_mlp", "emsnet_xxtiny_abl0_baseline")
    found = [mixed_share(vitspace.anchor(name).spec, 224) for name in names]
    assert found == [1.0, 1.0, pytest.approx(1 / 49), pytest.approx(1 / 49)]


@pytest.mark.parametrize(("stage", "meet"), [(0, False), (3, True)])
def test_windows_in_the_first_stage_alone_are_not_enough(stage, meet):
    spec = vitspace.anchor("mat_2_abl_pure_mlp").spec
    windows = vitspace.anchor("mat_2_abl_window_attn").spec.stages[stage]
    stages = [*spec.stages]
    stages[stage] = spec.stages[stage].changed(mixer="window", heads=windows.heads)
    mixed = dataclasses.replace(spec, stages=tuple(stages))
    assert mixes(mixed, 224) is meet and mixed_share(mixed, 224) > 1 / 49


def test_a_branch_that_begins_at_zero_counts_and_stays_at_zero():
    network = timm.create_model("resnet18", zero_init_last=True)
    assert reached(network, 224) > 0.9
    assert not network.layer1[0].bn2.weight.any()


def test_a_frozen_layer_stays_frozen():
    network = timm.create_model("resnet18").train()
    network.bn1.eval()
    assert reached(network, 224) > 0.9
    assert network.training and network.layer1.training and not network.bn1.training


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_positions_are_followed_where_gradients_are_off(mode):
    _reaching.cache_clear()
    network = timm.create_model("resnet18")
    with mode():
        assert reached(network, 224) > 0.9 and mixes(vitspace.anchor("mat_1").spec, 224)


def test_nothing_is_said_without_weights_or_a_last_map():
    with torch.device("meta"):
        assert reached(timm.create_model("resnet18"), 224) is None
    assert reached(torch.nn.Linear(3, 3), 224) is None
