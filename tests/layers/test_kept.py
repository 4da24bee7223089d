import copy

import pytest
import torch
from torch import nn

from vitspace.layers.kept import captured, exporting, folds, kept
from vitspace.layers.plain import plain_graph


class Doubled(nn.Linear):
    """A linear layer whose weight is doubled beforehand, and how often that was done."""

    made = 0

    def forward(self, x):
        return x @ kept(self.double, self).mT if folds(self, x) else 2 * (x @ self.weight.mT)

    def double(self):
        self.made += 1
        return 2 * self.weight


@pytest.fixture
def layer():
    return Doubled(3, 2).eval()


@pytest.fixture
def x():
    return torch.randn(4, 3)


@torch.no_grad()
def test_constants_are_made_once(layer, x):
    first = layer(x)
    assert torch.equal(first, layer(x))
    assert layer.made == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda layer: layer.weight.mul_(3),
        lambda layer: layer.load_state_dict({"weight": torch.ones(2, 3), "bias": torch.ones(2)}),
        lambda layer: setattr(layer, "weight", nn.Parameter(torch.ones(2, 3))),
        lambda layer: layer.float().to(torch.float64).float(),
        lambda layer: nn.init.normal_(layer.weight),
    ],
)
@torch.no_grad()
def test_a_weight_that_changed_makes_them_anew(layer, x, write):
    layer(x)
    write(layer)
    torch.testing.assert_close(layer(x), 2 * (x @ layer.weight.mT))


@torch.no_grad()
def test_a_copy_has_its_own(layer, x):
    expected = layer(x)
    other = copy.deepcopy(layer)
    other.weight.zero_()
    assert other(x).abs().max() == 0
    assert torch.equal(layer(x), expected)


def test_weights_of_inference_mode_are_not_trusted_to_stay():
    with torch.inference_mode():
        layer, x = Doubled(3, 2).eval(), torch.randn(4, 3)
        layer(x)
        layer.weight.zero_()
        assert layer(x).abs().max() == 0


def test_training_gradients_autocast_and_the_plain_graph_do_not_fold(layer, x):
    assert not folds(layer, x)
    with torch.no_grad():
        assert folds(layer, x)
        assert not folds(layer.train(), x)
        layer.eval()
        with plain_graph():
            assert not folds(layer, x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert not folds(layer, x)


def test_an_exported_graph_holds_the_constants(layer, x):
    with torch.no_grad(), exporting(layer, x):
        program = torch.export.export(layer, (x,))
    assert layer.made == 1
    assert not any("aten.mul" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(x), 2 * (x @ layer.weight.mT))


def test_a_graph_captured_elsewhere_reads_its_weights(layer, x):
    with torch.no_grad():
        layer(x)
        layer.weight.mul_(3)
        program = torch.export.export(layer, (x,))
    assert layer.made == 1
    torch.testing.assert_close(program.module()(x), 2 * (x @ layer.weight.mT))
    assert not captured()


@pytest.mark.parametrize("how", [{"fused": True}, {"foreach": True}, {"foreach": False, "fused": False}])
@pytest.mark.parametrize("optimiser", [torch.optim.AdamW, torch.optim.SGD])
def test_a_step_of_an_optimiser_makes_them_anew(layer, x, optimiser, how):
    steps = optimiser(layer.parameters(), lr=0.1, **how)
    for _ in range(2):
        with torch.no_grad():
            torch.testing.assert_close(layer(x), 2 * (x @ layer.weight.mT))
        layer(x).sum().backward()
        steps.step()
    with torch.no_grad():
        torch.testing.assert_close(layer(x), 2 * (x @ layer.weight.mT))
