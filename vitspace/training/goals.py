"""What a training is for: the loss of its updates and the measure of its validation, of images and of pixels."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vitspace.data import IGNORED
from vitspace.fitting import make_criterion, make_mixup
from vitspace.tasks.segmenter import resize
from vitspace.training.recipe import Recipe

#: Weight of the loss of an auxiliary head, as in mmsegmentation.
AUXILIARY = 0.4


class OfImages:
    """A class for each image: scores [B, K], labels [B]; measured by the share that is right.

    Attributes:
        measure: The name of what validation measures, in files.
        words: Its name in sentences.
        counts: How many counts `judged` returns.
        uneven: Whether batches of as many images differ in `weight`.
    """

    measure, words, uneven = "top1", "top-1", False

    def __init__(self, classes: int) -> None:
        self.classes, self.counts = classes, 2

    def criterion(self, recipe: Recipe) -> nn.Module:
        """Return the loss of scores and targets."""
        return make_criterion(recipe.mixes, recipe.label_smoothing)

    def mix(self, recipe: Recipe) -> Any:
        """Return what mixes images and their targets, or None."""
        return make_mixup(recipe.mixup, recipe.cutmix, recipe.label_smoothing, self.classes)

    def weight(self, targets: Tensor) -> int:
        """Return over how many images or pixels the loss is the mean."""
        return len(targets)

    def judged(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the summed loss without smoothing, in nats, and the counts, int64, which add up over batches."""
        loss = F.cross_entropy(scores, targets, reduction="sum")
        right = (scores.argmax(1) == targets).sum()
        return loss, torch.stack([right, torch.full_like(right, len(targets))])

    def verdict(self, counts: Tensor) -> tuple[int, float]:
        """Return of how many images or pixels the loss is the sum, and the measure in %."""
        right, images = counts.tolist()
        return images, 100 * right / max(1, images)


class OfPixels:
    """A class for each pixel: scores [B, K, h, w], masks [B, H, W]; measured by the mean IoU. See `OfImages`.

    It is the mean over classes of the pixels that are rightly of the class over those that are of it in the masks or in
    the scores, of all images together; classes that occur in neither are left out, as in mmsegmentation.
    """

    measure, words, uneven = "miou", "mIoU", True

    def __init__(self, classes: int) -> None:
        self.classes, self.counts = classes, classes**2

    def criterion(self, recipe: Recipe) -> nn.Module:
        return PixelLoss(recipe.label_smoothing)

    def mix(self, recipe: Recipe) -> Any:
        return None

    def weight(self, targets: Tensor) -> int:
        return int((targets != IGNORED).sum())

    def judged(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if scores.shape[2:] != targets.shape[1:]:
            scores = resize(scores, (targets.shape[1], targets.shape[2]))
        loss = F.cross_entropy(scores, targets, ignore_index=IGNORED, reduction="sum")
        known = targets != IGNORED
        pairs = self.classes * targets[known] + scores.argmax(1)[known]
        return loss, torch.bincount(pairs, minlength=self.counts)

    def verdict(self, counts: Tensor) -> tuple[int, float]:
        pairs = counts.view(self.classes, self.classes).double().cpu()
        right, either = pairs.diagonal(), pairs.sum(0) + pairs.sum(1) - pairs.diagonal()
        occurs = either > 0
        miou = (right[occurs] / either[occurs]).mean().item() if occurs.any() else 0.0
        return int(counts.sum()), 100 * miou


#: What a training is for.
Goal = OfImages | OfPixels
#: What validation measures: its name in files -> its name in sentences.
MEASURES = {goal.measure: goal.words for goal in (OfImages, OfPixels)}


class PixelLoss(nn.Module):
    """Mean cross-entropy in nats over the pixels that have a class: scores [B, K, H, W], masks [B, H, W].

    It is 0 where no pixel has one. Scores of an auxiliary head, the second of a pair, count by `AUXILIARY`.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, scores: Tensor | tuple[Tensor, ...], masks: Tensor) -> Tensor:
        if isinstance(scores, tuple):
            main, auxiliary = scores
            return self(main, masks) + AUXILIARY * self(auxiliary, masks)
        settings: dict[str, Any] = {"ignore_index": IGNORED, "label_smoothing": self.label_smoothing}
        total = F.cross_entropy(scores, masks, reduction="sum", **settings)
        return total / (masks != IGNORED).sum().clamp(min=1)
