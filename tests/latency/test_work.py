import numpy as np
import pytest
import torch
from randoms import random_designs
from torch._subclasses.fake_tensor import FakeTensorMode

from vitspace.families import FAMILIES
from vitspace.latency.recorder import WORK, Recorder
from vitspace.latency.work import work
from vitspace.network import build
from vitspace.space import load_space


def record(module, *shapes):
    """Run a module that was built on the CPU as one on fake tensors; its weights become fake too."""
    with FakeTensorMode() as mode, torch.no_grad():
        fake = [torch.empty(shape) for shape in shapes]
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        module.eval()._apply(mode.from_tensor)
        torch.__future__.set_overwrite_module_params_on_conversion(False)
        module(*fake)  # constants of weights are made once
        with Recorder(module) as recorder:
            module(*fake)
    return dict(zip(WORK, recorder.work, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_work_of_parts_is_that_of_the_whole(family):
    [spec] = random_designs(load_space(family), 1, seed=4, first={"depth": 3})
    whole = record(build(spec), (1, 3, 224, 224))
    parts = dict(zip(WORK, work(spec), strict=True))
    for name in WORK:
        assert parts[name] == pytest.approx(whole[name], rel=0.02), name


def test_what_an_operation_does_is_noted_by_kind():
    noted = record(torch.nn.Conv2d(8, 16, 1, bias=False), (1, 8, 10, 10))
    assert {name: amount for name, amount in noted.items() if amount} == {
        "pointwise count": 1,
        "pointwise macs": 8 * 16 * 100,
        "pointwise read": 800,
        "pointwise written": 1600,
        "pointwise weights": 128,
    }


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (torch.nn.Conv2d(8, 8, 3, groups=8), "depthwise"),
        (torch.nn.Conv2d(8, 8, (1, 5), groups=8), "strip"),
        (torch.nn.Conv2d(8, 8, 3, groups=2), "grouped"),
        (torch.nn.ConvTranspose2d(8, 8, 2), "transposed"),
        (torch.nn.GELU(), "costly"),
        (torch.nn.ReLU(inplace=True), "cheap"),
        (torch.nn.BatchNorm2d(8), "norm"),
        (torch.nn.MaxPool2d(2), "pool"),
        (torch.nn.Unfold(2), "window"),
    ],
)
def test_kinds(module, kind):
    assert record(module, (1, 8, 12, 12))[f"{kind} count"] == 1


def test_a_view_moves_nothing():
    noted = record(torch.nn.Flatten(), (1, 8, 12, 12))
    assert noted["views"] == 1 and sum(noted.values()) == 1


def test_attention_is_noted_with_its_scores():
    class Attend(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.scaled_dot_product_attention(x, x, x)

    noted = record(Attend(), (2, 4, 49, 16))
    assert (noted["attention problems"], noted["attention scores"]) == (8, 8 * 49 * 49)


def test_deeper_stages_do_more():
    spec = load_space("msg").smallest
    amounts = [
        work(type(spec)(spec.stem, (s0.changed(depth=d), *rest), spec.head))
        for d in (2, 3, 4, 7)
        for s0, *rest in [spec.stages]
    ]
    assert np.allclose(amounts[3] - amounts[2], 3 * (amounts[2] - amounts[1]))
