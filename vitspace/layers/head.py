"""What every family's head does with its features."""

from torch import Tensor, nn

#: How features are pooled: in the family's own way, by the mean or the maximum over positions, or not at all.
POOLINGS = (None, "avg", "max", "")


class ClassifierHead(nn.Module):
    """Dropout and a linear classifier over features [B, F]; a family subclasses it and gives what is pooled.

    One that overrides `pool` instead has no pooling but its own. Without classes the features are returned.

    Attributes:
        global_pool: One of `POOLINGS`.
    """

    global_pool: str | None = None

    def __init__(self, num_features: int, num_classes: int) -> None:
        super().__init__()
        self.num_features = num_features
        self.drop = nn.Dropout(0.0)
        self.reset(num_classes)

    def reset(self, num_classes: int) -> None:
        """Replace the classifier; 0 removes it."""
        self.fc = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    @property
    def poolings(self) -> tuple[str | None, ...]:
        """What ``global_pool`` may be."""
        own = type(self).pool is not ClassifierHead.pool
        return (None,) if own else POOLINGS

    def features(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W], carry -> what is pooled, a map [B, F, H, W] or tokens [B, L, F]."""
        raise NotImplementedError

    def pool(self, x: Tensor, carry: Tensor | None) -> Tensor:
        """[B, C, H, W], carry -> [B, F], or the features as they are."""
        features = self.features(x, carry)
        if self.global_pool == "":
            return features
        positions = (2, 3) if features.ndim == 4 else (1,)
        return features.amax(positions) if self.global_pool == "max" else features.mean(positions)

    def forward(self, x: Tensor, carry: Tensor | None = None, pre_logits: bool = False) -> Tensor:
        """[B, C, H, W], carry -> [B, num_classes], or [B, F] for ``pre_logits``."""
        features_BF = self.drop(self.pool(x, carry))
        return features_BF if pre_logits else self.fc(features_BF)
