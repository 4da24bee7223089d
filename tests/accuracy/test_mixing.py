import timm
import torch

import vitspace
from vitspace.accuracy.mixing import mixing_stages, reached


def test_blocks_that_mix_are_found_stage_by_stage():
    found = {name: mixing_stages(vitspace.anchor(name).spec, 224) for name in ("mat_2", "mat_2_abl_window_attn")}
    assert found == {"mat_2": (True,) * 4, "mat_2_abl_window_attn": (True,) * 4}
    assert mixing_stages(vitspace.anchor("emsnet_xxtiny_abl0_baseline").spec, 224) == (False,) * 4


def test_a_branch_that_begins_at_zero_counts_and_stays_at_zero():
    network = timm.create_model("resnet18", zero_init_last=True)
    assert reached(network, 224) > 0.9
    assert not network.layer1[0].bn2.weight.any()


def test_nothing_is_said_without_weights_or_a_last_map():
    with torch.device("meta"):
        assert reached(timm.create_model("resnet18"), 224) is None
    assert reached(torch.nn.Linear(3, 3), 224) is None
