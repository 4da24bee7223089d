"""Batch statistics of a network whose weights were shared: those of the other designs' maps say nothing of its own."""

from collections.abc import Iterable

import torch
from timm.layers import DropPath
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitspace.machine.quiet import training_step


@torch.no_grad()
def estimate_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set a network's batch statistics to their means over batches, float32 [B, 3, H, W] each, on its device.

    Dropout and stochastic depth are left out. The network is in evaluation mode afterwards.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout | DropPath):
            module.eval()
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # of which PyTorch makes the mean over all batches
    for images in batches:
        with training_step(images.device.type == "cpu"):
            network(images)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    network.eval()
