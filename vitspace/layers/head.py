"""What every family's head does with its features."""

from torch import Tensor, nn


class ClassifierHead(nn.Module):
    """Dropout and a linear classifier over features [B, F]; a family subclasses it and says how to pool.

    Without classes the features are returned.
    """

    def __init__(self, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.num_features = num_features
        self.drop = nn.Dropout(0.0)
        self.reset(num_classes)

    def reset(self, num_classes: int) -> None:
        """Replace the classifier; 0 removes it."""
        self.fc = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    def pool(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W], carry -> [B, F]."""
        raise NotImplementedError

    def forward(self, x: Tensor, carry: Tensor | None = None, pre_logits: bool = False) -> Tensor:
        """[B, C, H, W], carry -> [B, num_classes], or [B, F] for ``pre_logits``."""
        features_BF = self.drop(self.pool(x, carry))
        return features_BF if pre_logits else self.fc(features_BF)
