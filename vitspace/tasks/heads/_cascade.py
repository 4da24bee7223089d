"""Three steps of box heads, each on the boxes of the one before, by torchvision's `RoIHeads`."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss, maskrcnn_inference, maskrcnn_loss
from torchvision.ops import clip_boxes_to_image, remove_small_boxes

#: Of each step: the overlap from which a proposal is an object, the scales of its box's errors, the weight of its loss.
STEPS = (
    (0.5, (10.0, 10.0, 5.0, 5.0), 1.0),
    (0.6, (20.0, 20.0, 10.0, 10.0), 0.5),
    (0.7, (30.0, 30.0, 15.0, 15.0), 0.25),
)
#: Least side in pixels of a box that is handed on.
LEAST_SIDE = 1e-2

Targets = list[dict[str, Tensor]] | None


class CascadeHeads(nn.Module):
    """Maps, proposals, sizes of images, targets -> detections and losses, as torchvision's `RoIHeads`.

    Class scores and masks of a detection are the means over the steps.

    Attributes:
        rules: Sampling and suppression of each step, without heads.

    Args:
        usual: Whose sampling, cutting out and suppression are taken over.
        boxes: A `BoxHead` a step.
        masks: A `MaskHead` a step.
    """

    def __init__(self, usual: RoIHeads, boxes: nn.ModuleList, masks: nn.ModuleList) -> None:
        super().__init__()
        self.boxes, self.masks = boxes, masks
        self.box_roi_pool, self.mask_roi_pool = usual.box_roi_pool, usual.mask_roi_pool
        sampler = usual.fg_bg_sampler
        self.rules = [
            RoIHeads(
                None, None, None, overlap, overlap, sampler.batch_size_per_image, sampler.positive_fraction, scales,
                usual.score_thresh, usual.nms_thresh, usual.detections_per_img,
            )
            for overlap, scales, _ in STEPS
        ]  # fmt: skip

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        sizes: list[tuple[int, int]],
        targets: Targets = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Return detections in evaluation, losses in training; see `RoIHeads`."""
        if self.training:
            assert targets is not None
            return [], self._losses(features, proposals, sizes, targets)
        return self._detections(features, proposals, sizes), {}

    def _losses(
        self, features: dict[str, Tensor], proposals: list[Tensor], sizes: list[tuple[int, int]], targets: Any
    ) -> dict[str, Tensor]:
        losses = {}
        for number, (rule, box, mask, (_, _, weight)) in enumerate(self._steps(), start=1):
            proposals, matched, labels, wanted = rule.select_training_samples(proposals, targets)
            scores, boxes = box(self.box_roi_pool(features, proposals, sizes))
            of_class, of_box = fastrcnn_loss(scores, boxes, labels, wanted)
            objects = [torch.where(each > 0)[0] for each in labels]
            cut = [each[chosen] for each, chosen in zip(proposals, objects, strict=True)]
            whose = [each[chosen] for each, chosen in zip(matched, objects, strict=True)]
            logits = mask(self.mask_roi_pool(features, cut, sizes))
            masks, classes = [t["masks"] for t in targets], [t["labels"] for t in targets]
            of_mask = maskrcnn_loss(logits, cut, masks, classes, whose)
            for name, value in (("classifier", of_class), ("box_reg", of_box), ("mask", of_mask)):
                losses[f"loss_{name}_{number}"] = weight * value
            proposals = _moved(rule, scores, boxes, proposals, sizes)
        return losses

    def _detections(
        self, features: dict[str, Tensor], proposals: list[Tensor], sizes: list[tuple[int, int]]
    ) -> list[dict[str, Tensor]]:
        total: Any = 0
        for rule, box, _, _ in self._steps():
            scores, boxes = box(self.box_roi_pool(features, proposals, sizes))
            total = total + scores.softmax(-1)
            before, proposals = proposals, _moved(rule, scores, boxes, proposals, sizes, keep_all=True)
        found = rule.postprocess_detections((total / len(STEPS)).log(), boxes, before, sizes)
        results = [{"boxes": b, "scores": s, "labels": k} for b, s, k in zip(*found, strict=True)]
        cut = self.mask_roi_pool(features, [each["boxes"] for each in results], sizes)
        by_step = [maskrcnn_inference(mask(cut), [each["labels"] for each in results]) for mask in self.masks]
        for result, *masks in zip(results, *by_step, strict=True):
            result["masks"] = torch.stack(masks).mean(0)
        return results

    def _steps(self) -> Iterable[Any]:
        return zip(self.rules, self.boxes, self.masks, STEPS, strict=True)


def _moved(
    rule: RoIHeads,
    scores: Tensor,
    boxes: Tensor,
    proposals: list[Tensor],
    sizes: list[tuple[int, int]],
    keep_all: bool = False,
) -> list[Tensor]:
    """Return the proposals where the box of each one's likeliest class lies; without empty ones unless all are kept."""
    counts = [len(each) for each in proposals]
    decoded = rule.box_coder.decode(boxes.detach(), proposals)
    likeliest = scores.detach()[:, 1:].argmax(1) + 1
    chosen = decoded[torch.arange(len(decoded), device=decoded.device), likeliest].split(counts)
    moved = [clip_boxes_to_image(each, size) for each, size in zip(chosen, sizes, strict=True)]
    return moved if keep_all else [each[remove_small_boxes(each, LEAST_SIDE)] for each in moved]
