"""Every block of Python of the page on dense tasks runs, one after the other, and prints what it says."""

import re
from pathlib import Path

import pytest
import timm
import torch

TEXT = (Path(__file__).resolve().parents[2] / "docs/howto/dense.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def ran():
    """The names that the blocks leave, of those that are programs of ours."""
    names = {}
    for block in BLOCKS:
        exec(block, names)
    return names


def test_blocks_run_and_give_what_they_say(ran):
    assert tuple(ran["scores"].shape) == (1, 19, 97, 130) and tuple(ran["heights"].shape) == (2, 1, 75, 107)
    assert ran["backbone"].feature_info.channels() == [32, 64, 128, 256]
    assert [tuple(each.shape[2:]) for each in ran["maps"]] == [(19, 27), (10, 14), (5, 7), (3, 4)]


def test_ratios_of_vt_fpn_are_printed(ran):
    assert (round(ran["fpn"].macs / ran["vt"].macs, 2), round(ran["necks"][0] / ran["necks"][1], 2)) == (1.25, 6.43)


def test_the_toolboxes_call_makes_the_backbone(ran):
    settings = dict(ran["model"]["backbone"])
    assert settings.pop("type") == "mmpretrain.TIMMBackbone"
    # mmpretrain/models/backbones/timm_backbone.py
    backbone = timm.create_model(**settings, pretrained=False, in_chans=3, checkpoint_path="")
    maps = backbone(torch.zeros(1, 3, 64, 96))
    assert [each.shape[1] for each in maps] == ran["model"]["neck"]["in_channels"]
    assert backbone.feature_info.reduction() == ran["model"]["decode_head"]["feature_strides"]
