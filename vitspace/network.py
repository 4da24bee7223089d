"""The torch module of a spec, which behaves as timm's models do."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from vitspace.errors import InputError, shown
from vitspace.image_sizes import ImageSize, check_stride
from vitspace.spec import Spec

Features = Tensor | tuple[Tensor, Tensor]


class Network(nn.Module):
    """A stem, stages and a head: [B, in_chans, H, W] -> [B, num_classes], for any H and W of at least 32.

    Args:
        spec: The architecture.
        num_classes: Classes; 0 returns pooled features.
        in_chans: Channels of the image.
        drop_rate: Dropout before the classifier.
        drop_path_rate: Stochastic depth of the last block; earlier blocks follow a line from 0.
        global_pool: How the head pools: None as the family does, ``avg`` or ``max`` over positions, or the empty string
            for features as they are, which takes ``num_classes=0``.

    Raises:
        InputError: there is no such pooling, or classes of features that are not pooled.
    """

    head: Any

    def __init__(
        self,
        spec: Spec,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        global_pool: str | None = None,
    ) -> None:
        super().__init__()
        self.spec, self.num_classes, self.in_chans = spec, num_classes, in_chans
        self.grad_checkpointing = False
        self.stem = spec.stem.build(spec.in_dims[0], in_chans)
        rates = torch.linspace(0, drop_path_rate, spec.depth, device="cpu").split([s.depth for s in spec.stages])
        self.stages = nn.ModuleList(
            stage.build(in_dim, carry, rate.tolist())
            for stage, in_dim, carry, rate in zip(spec.stages, spec.in_dims, spec.carries, rates, strict=False)
        )
        self.head = spec.head.build(spec.in_dims[-1], spec.carries[-1], num_classes)
        self.head.drop.p = drop_rate
        self._set_pooling(global_pool)
        self.num_features = spec.in_dims[-1]
        self.head_hidden_size = self.head.num_features
        self.feature_info = self._feature_info()

    def _feature_info(self) -> list[dict]:
        stride, info = self.spec.stem.stride, []
        for i, stage in enumerate(self.spec.stages):
            stride *= stage.stride
            info.append({"num_chs": stage.out_dim, "reduction": stride, "module": f"stages.{i}", "index": i})
        return info

    def _run(self, x: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        x, carry, outputs = self.stem(x), None, []
        for stage in self.stages:
            if self.grad_checkpointing and torch.is_grad_enabled() and not torch.jit.is_scripting():
                x, carry = checkpoint(stage, x, carry, use_reentrant=False)
            else:
                x, carry = stage(x, carry)
            outputs.append((x, carry))
        return outputs

    def forward_features(self, x: Tensor) -> Features:
        """Return the last map [B, C, H/32, W/32]; with its carry, as a pair, where the last stage hands one on.

        MSG-Transformer and VT-ResNet classify by their tokens, so that the map alone is not enough for the head.
        """
        x, carry = self._run(x)[-1]
        return x if carry is None else (x, carry)

    def forward_head(self, features: Features, pre_logits: bool = False) -> Tensor:
        """Return what `forward_features` gave as [B, num_classes], or as pooled features."""
        x, carry = features if isinstance(features, tuple) else (features, None)
        return self.head(x, carry, pre_logits)

    def forward(self, x: Tensor) -> Tensor:
        """[B, in_chans, H, W] -> [B, num_classes]."""
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Features, list[Tensor]]:
        """Return the maps of the chosen stages, [B, C_i, H_i, W_i] each, beside the last features (as timm does).

        Raises:
            InputError: an index or the format is not to be had.
        """
        if output_fmt != "NCHW":
            raise InputError(f"output_fmt is NCHW, but got {shown(output_fmt)}")
        chosen = _stage_indices(indices, len(self.stages))
        outputs = self._run(x)
        maps = [outputs[i][0] for i in chosen]
        if intermediates_only:
            return maps
        last, carry = outputs[-1]
        return (last if carry is None else (last, carry)), maps

    def prune_intermediate_layers(
        self, indices: int | Sequence[int] = 1, prune_norm: bool = False, prune_head: bool = True
    ) -> list[int]:
        """Drop the stages after the last index, and the head; return the indices kept."""
        chosen = _stage_indices(indices, len(self.stages))
        self.stages = self.stages[: max(chosen) + 1]
        if prune_head:
            self.reset_classifier(0)
        return chosen

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer."""
        return self.head.fc

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the classifier, and the pooling if one is named; 0 classes remove it.

        Raises:
            InputError: there is no such pooling, or classes of features that are not pooled.
        """
        check_count("num_classes", num_classes, 0)
        before, self.num_classes = self.num_classes, num_classes
        try:
            self._set_pooling(self.head.global_pool if global_pool is None else global_pool)
        except InputError:
            self.num_classes = before
            raise
        place = next(self.parameters()).device
        self.head.reset(num_classes)
        self.head.fc.to(place)

    def _set_pooling(self, global_pool: str | None) -> None:
        poolings = getattr(self.head, "poolings", (None,))
        if global_pool not in poolings:
            known = ", ".join(map(repr, poolings))
            raise InputError(
                f"global_pool of a {self.spec.family} head is one of {known}, but got {shown(global_pool)}"
            )
        if global_pool == "" and self.num_classes:
            raise InputError(
                f"features that are not pooled have no classes, so num_classes is 0, but got {self.num_classes}"
            )
        self.head.global_pool = global_pool

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute each stage in the backward pass instead of storing its activations."""
        self.grad_checkpointing = enable

    def no_weight_decay(self) -> set[str]:
        """Names of the parameters that an optimiser does not decay: those that its modules name, as timm's do."""
        parts = [(place, part.no_weight_decay()) for place, part in self.named_modules() if _names_undecayed(part)]
        return {f"{place}.{name}" for place, names in parts for name in names} & dict(self.named_parameters()).keys()

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Regular expressions that group parameters by depth, for layer-wise learning rates."""
        fine = [(r"^stages\.(\d+)\.blocks\.(\d+)", None), (r"^stages\.(\d+)", (0,))]
        return {"stem": r"^stem", "blocks": r"^stages\.(\d+)" if coarse else fine}


def first_conv(spec: Spec) -> str:
    """Return the name of the layer that takes the image's channels, as timm's ``pretrained_cfg`` has it."""
    with torch.device("meta"):
        stem = spec.stem.build(spec.in_dims[0], 3)
    return next(f"stem.{name}" for name, part in stem.named_modules() if isinstance(part, nn.Conv2d))


def check_count(name: str, value: Any, least: int) -> None:
    """Check a number of classes or channels.

    Raises:
        InputError: it is no whole number, or too small.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise InputError(f"{name} is a whole number, but got {shown(value)}")
    if value < least:
        raise InputError(f"{name} is at least {least}, but got {value}")


def _names_undecayed(part: nn.Module) -> bool:
    return not isinstance(part, Network) and hasattr(part, "no_weight_decay")


def _stage_indices(indices: int | Sequence[int] | None, count: int) -> list[int]:
    if indices is None:
        return list(range(count))
    if isinstance(indices, int):
        if not 1 <= indices <= count:
            raise InputError(f"stages are numbered 0 to {count - 1}, but got the last {indices}")
        return list(range(count - indices, count))
    chosen = [i + count if i < 0 else i for i in indices]
    if not chosen or not all(0 <= i < count for i in chosen):
        raise InputError(f"stages are numbered 0 to {count - 1}, but got {list(indices)}")
    return chosen


def build(spec: Spec, num_classes: int = 1000, img_size: ImageSize = 224, **kwargs: Any) -> Network:
    """Build the torch module of a spec.

    Args:
        spec: The architecture.
        num_classes: Classes; 0 returns pooled features.
        img_size: The image size it is meant for, a side or (height, width), which is only checked: windows and grids
            stay the spec's, and `Spec.at` changes them.
        kwargs: ``in_chans``, ``drop_rate``, ``drop_path_rate`` and ``global_pool`` of `Network`.

    Raises:
        InputError: a side of the image is too small or too large, or classes or channels are no number of them.
    """
    if not isinstance(spec, Spec):
        raise InputError(
            f"build takes a Spec, such as vitspace.anchor('msg_tiny').spec; peers have none, but got {shown(spec)}"
        )
    check_count("num_classes", num_classes, 0)
    check_count("in_chans", kwargs.get("in_chans", 1), 1)
    check_stride(img_size, spec.stride)
    return Network(spec, num_classes, **kwargs)
