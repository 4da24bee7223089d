"""Modules that share a map by its channels."""

from torch import Tensor, nn


class SideBySide(nn.ModuleList):
    """Modules on their own channels: [B, C, H, W] -> one map a module, in order.

    Args:
        branches: Channels and module of each branch; one without channels is left out.
    """

    def __init__(self, *branches: tuple[int, nn.Module | None]) -> None:
        super().__init__(module for dim, module in branches if dim and module is not None)
        self.split = [dim for dim, _ in branches if dim]

    def forward(self, x: Tensor) -> list[Tensor]:
        """[B, C, H, W] -> [B, C_i, H, W] for each module."""
        return [module(part) for module, part in zip(self, x.split(self.split, dim=1), strict=True)]
