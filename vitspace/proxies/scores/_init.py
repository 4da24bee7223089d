"""Initial weights: the network's own, or one scheme common to all networks."""

from torch import nn

OWN, COMMON = "own", "common"
INITS = (OWN, COMMON)
_NORMS = (nn.LayerNorm, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


def initialise(network: nn.Module, init: str) -> None:
    """Leave the weights as built (own), or draw those of every convolution and linear layer anew (common).

    Common: normal with variance 2 over fan-in (He et al., ICCV 2015), biases zero, norms one and zero; tokens,
    position tables and layer scales stay as built.
    """
    if init == OWN:
        return
    for module in network.modules():
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, _NORMS) and module.weight is not None:
            nn.init.ones_(module.weight)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
