"""Batch statistics that are estimated anew."""

import torch
from timm.layers import DropPath
from torch import nn

from vitspace.sharing.statistics import estimate_statistics


def test_statistics_are_those_of_the_batches_and_nothing_else_changes():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), DropPath(0.5), nn.Dropout(0.5))
    network[1].running_mean.fill_(7)
    weights = [p.clone() for p in network.parameters()]
    batches = [torch.randn(8, 3, 4, 4) for _ in range(3)]
    estimate_statistics(network, batches)
    with torch.no_grad():
        maps = [network[0](batch) for batch in batches]
    mean = torch.stack([each.mean((0, 2, 3)) for each in maps]).mean(0)
    variance = torch.stack([each.var((0, 2, 3)) for each in maps]).mean(0)
    assert torch.allclose(network[1].running_mean, mean, atol=1e-6)
    assert torch.allclose(network[1].running_var, variance, atol=1e-6)
    assert network[1].momentum == 0.1 and not network.training
    assert all(torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True))
