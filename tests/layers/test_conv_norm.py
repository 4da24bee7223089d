import pytest
import torch
from torch import nn

from vitspace.layers.conv_norm import ConvNorms, conv_norm


def norm(dim):
    layer = nn.BatchNorm2d(dim).eval()
    for tensor in (layer.weight, layer.bias, layer.running_mean):
        nn.init.normal_(tensor)
    nn.init.uniform_(layer.running_var, 0.5, 2)
    return layer


@pytest.mark.parametrize("settings", [{"bias": False}, {"stride": 2, "padding": 1}, {"groups": 2, "dilation": 2}])
@torch.no_grad()
def test_a_convolution_and_its_norm_are_one_convolution(settings):
    conv, after, x = nn.Conv2d(4, 6, 3, **settings), norm(6), torch.randn(2, 4, 9, 8)
    torch.testing.assert_close(conv_norm(x, conv.eval(), after), after(conv(x)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("act", [nn.GELU, nn.SiLU, nn.ReLU])
@torch.no_grad()
def test_a_sequence_gives_what_its_layers_give_and_leaves_its_input(act):
    layers = [act(), nn.Conv2d(4, 6, 1), norm(6), act(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 1), norm(4)]
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    expected = nn.Sequential(*layers)(x)
    torch.testing.assert_close(ConvNorms(*layers).eval()(x), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(x, before)


def test_training_updates_the_statistics():
    layers = ConvNorms(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    layers(torch.randn(2, 3, 5, 5))
    assert layers[1].num_batches_tracked == 1
