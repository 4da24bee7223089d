"""VT-FPN: a feature pyramid whose levels exchange visual tokens instead of sums and 3x3 convolutions.

Wu et al., "Visual Transformers: Where Do Transformers Really Belong in Vision Models?", ICCV 2021, sections 4 and 5.3,
Figure 4: each of the four maps gives 8 tokens of 1,024 channels (eq. 1), one transformer relates them all (eqs. 3 and
4), and they are projected back onto the maps (eq. 5), which the branch of `vitspace.tasks.heads.fpn` classifies, with
BatchNorm as section 5.3 says. Marked as in `vitspace.families.vt`:

- [fit] The maps pass FPN's 1x1 convolutions to 256 channels first: they are 7.5 of the about 8.5 G that a pyramid 6.4
  to 6.5 times smaller than FPN's 55.1 G leaves at 800 x 1216.
- [fit] A map is projected onto from its own 8 tokens, as the transformer put them out; from all 32 the pyramid would
  cost 9.2 G at least.
- [fit] Value and query convolutions on pixels are in groups of 8 channels, which is what is left of the 8.5 G;
  VT-ResNets have 64.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vitspace.layers.visual_tokens import FilterTokenizer, Projector, Transformer, init_weights
from vitspace.tasks.heads import SEGMENTATION, Task
from vitspace.tasks.heads._pyramids import WIDTH
from vitspace.tasks.heads.semantic_fpn import Branch, PyramidHead

TASK = Task(SEGMENTATION, size=(800, 1216), classes=54, data="COCO-stuff")
TOKENS, TOKEN_DIM, GROUP_WIDTH = 8, 1024, 8


class Neck(nn.Module):
    """Maps [B, C_i, H_i, W_i] -> as many maps [B, 256, H_i, W_i]."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(dim, WIDTH, 1) for dim in dims)
        self.tokenizers = nn.ModuleList(FilterTokenizer(WIDTH, TOKEN_DIM, GROUP_WIDTH, TOKENS) for _ in dims)
        self.transformer = Transformer(TOKEN_DIM)
        self.projectors = nn.ModuleList(Projector(WIDTH, WIDTH, TOKEN_DIM, GROUP_WIDTH) for _ in dims)
        self.apply(init_weights)

    def forward(self, *maps: Tensor) -> list[Tensor]:
        levels = [lateral(each) for lateral, each in zip(self.laterals, maps, strict=True)]
        made = [tokenizer(each) for tokenizer, each in zip(self.tokenizers, levels, strict=True)]
        tokens = self.transformer(torch.cat(made, dim=1)).split(TOKENS, dim=1)
        return [project(level, own) for project, level, own in zip(self.projectors, levels, tokens, strict=True)]


class Head(PyramidHead):
    """Of visual tokens; see `PyramidHead`."""

    def __init__(self, dims: Sequence[int], num_classes: int) -> None:
        super().__init__(Neck(dims), Branch(num_classes, drop=0.0))
