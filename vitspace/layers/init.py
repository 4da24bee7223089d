"""Initial weights that the papers take from PVT and Swin."""

import math

from timm.layers import trunc_normal_
from torch import nn


def init_weights(module: nn.Module) -> None:
    """Linear and 1x1 weights from a truncated normal of 0.02, other convolutions by their fan-out, biases zero."""
    if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)):
        trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
