import pytest
import torch
from small import SETTINGS, SIDE, Small
from torch import nn

import vitspace
from vitspace.errors import InputError
from vitspace.proxies.scores import SCORES, Settings, Subject, measure


class Deep(Small):
    """Weights so large, and so many, that the flow leaves the range of single precision."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([*self.blocks, *(type(self.blocks[0])() for _ in range(60))])
        for p in self.parameters():
            p.data.mul_(30)


class Broken(Small):
    def forward(self, x):
        return super().forward(x) * float("nan")


def test_the_same_seed_gives_the_same_scores_and_another_does_not():
    one, two, other = (measure(Subject("s", Small, SIDE), settings=Settings(s, "own", SIDE, 2)) for s in (1, 1, 2))
    assert one.values == two.values
    assert one.values["zico"] != other.values["zico"] and one.values["params"] == other.values["params"]


def test_the_common_initialisation_is_another():
    own, common = (measure(Subject("s", Small, SIDE), ["synflow"], Settings(0, i, SIDE, 2)) for i in ("own", "common"))
    assert own.values != common.values


def test_flow_neither_overflows_nor_vanishes():
    found = measure(Subject("deep", Deep, SIDE), ["synflow", "dss"], SETTINGS)
    assert found.values["synflow"] > 90  # e^90 is beyond single precision
    assert not found.failures


def test_what_is_not_finite_is_a_failure_with_its_reason():
    found = measure(Subject("broken", Broken, SIDE), settings=SETTINGS)
    assert found.failures["zico"] == "the loss is nan"
    assert "sum of outputs of the linear pass is not finite" in found.failures["synflow"]
    assert "params" in found.values


def test_unknown_scores_are_refused():
    with pytest.raises(InputError, match=r"a training-free score is one of dss, .* but got 'luck'"):
        measure(Subject("s", Small, SIDE), ["luck"])


@pytest.mark.parametrize(
    "name", ["msg_tiny", "emsnet_xxtiny", "mat_1", "partialformer_b0", "vt_r18_adv", "transcnn_small"]
)
def test_every_family_is_scored(name):
    spec = vitspace.anchor(name).spec
    found = measure(Subject.of_spec(spec), settings=Settings(img_size=64))
    assert set(found.values) == set(SCORES), found.failures
    assert found.values["params"] == vitspace.cost(spec).params
    assert found.values["macs"] == vitspace.cost(spec).macs


def test_random_numbers_outside_are_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    measure(Subject("s", Small, SIDE), ["zico"], SETTINGS)
    assert torch.rand(1) == expected


@pytest.mark.parametrize("name", ["resnet18", "swin_tiny_patch4_window7_224", "twins_svt_small", "mobilevit_xxs"])
def test_networks_of_timm_are_scored(name):
    found = measure(Subject.of_timm(name), ["params", "expressivity", "naswot"], Settings(img_size=224, batch_size=1))
    assert set(found.values) == {"params", "expressivity", "naswot"}, found.failures
