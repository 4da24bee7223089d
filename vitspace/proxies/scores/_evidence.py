"""What the passes over a network record for the scores to read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vitspace.proxies.scores._subjects import Subject

#: What a score may need.
COUNTS, FEATURES, JACOBIANS, GRADIENTS = "counts", "features", "jacobians", "gradients"
CODES, LINEAR = "codes", "linear"


@dataclass(frozen=True)
class Settings:
    """How scores are measured.

    Attributes:
        seed: Of weights, images and random directions.
        init: own, or common to all networks; see `vitspace.proxies.scores._init`.
        img_size: Side of the images that are fed, in pixels; windows and grids stay the network's.
        batch_size: Images a batch.
        batches: Batches; gradients are compared between them.
        device: Where the network runs.
    """

    seed: int = 0
    init: str = "own"
    img_size: int = 224
    batch_size: int = 2
    batches: int = 2
    device: str = "cpu"


@dataclass
class Moments:
    """Sums over positions: of the channels [C] and of their products [C, C]."""

    count: int
    total: Tensor
    products: Tensor

    @classmethod
    def of(cls, x_PC: Tensor) -> "Moments":
        """Sum over the rows of [P, C]."""
        x_PC = x_PC.float()
        return cls(len(x_PC), x_PC.sum(0), x_PC.T @ x_PC)

    def plus(self, other: "Moments") -> "Moments":
        """Add the sums of other positions."""
        return Moments(self.count + other.count, self.total + other.total, self.products + other.products)

    def covariance(self) -> Tensor:
        """[C, C]."""
        mean = self.total / self.count
        return self.products / self.count - torch.outer(mean, mean)


@dataclass
class PassResults:
    """What the passes gave.

    Attributes:
        subject: What is scored.
        network: The network on the meta device (counts), or the one that ran.
        features: For each block, the moments of each map or tokens it changes.
        jacobians: For each block that keeps its shape, G_in^T G_out / P [C, C] of a random direction.
        gradients: For each convolution and linear layer, the sums over batches of |g| and of g squared.
        batches: Batches in those sums.
        codes: The kernel of activation patterns, [B, B]: positions at which two images agree.
        saliency: For each convolution and linear layer that the linear pass reaches, |w dR/dw| added up.
        log_scale: Natural logarithm of what the linear pass divided its stream by.
        seconds: By pass.
        failures: By pass, why it gave nothing.
    """

    subject: Subject
    network: nn.Module
    features: list[list[Moments]] = field(default_factory=list)
    jacobians: list[Tensor] = field(default_factory=list)
    gradients: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    batches: int = 0
    codes: Tensor | None = None
    saliency: dict[str, float] = field(default_factory=dict)
    log_scale: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def weights(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield (name, weight) of every convolution and linear layer."""
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
            yield name, module.weight  # type: ignore[misc]
