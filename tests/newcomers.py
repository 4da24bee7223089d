"""A family that was not there before, and packages that register something, as text and as files."""

#: Rows of convolutions, with a width `inner` inside the blocks; ``toy`` is to be replaced by the family's name.
FAMILY = '''
"""Rows of plain convolutions."""

from typing import ClassVar, Literal

from torch import nn

from vitspace.layers.head import ClassifierHead
from vitspace.spec import HeadSpec, StageSpec, StemSpec, part


@part
class Stem(StemSpec, family="toy"):
    def build(self, out_dim, in_chans):
        return nn.Conv2d(in_chans, out_dim, 4, stride=4)


@part
class Stage(StageSpec, family="toy"):
    counts: ClassVar = ("inner",)
    widths: ClassVar = {"inner": 1}

    dim: int
    depth: int
    downsample: Literal["conv", "none"] = "conv"
    inner: int = 8

    def build(self, in_dim, carry, drop_path):
        return Row(self, in_dim)


@part
class Head(HeadSpec, family="toy"):
    def build(self, in_dim, carry, num_classes):
        return MeanHead(in_dim, num_classes)


class MeanHead(ClassifierHead):
    def pool(self, x, carry):
        return x.mean((2, 3))


class Row(nn.Module):
    def __init__(self, spec, in_dim):
        super().__init__()
        self.downsample = nn.Conv2d(in_dim, spec.dim, 2, stride=2) if spec.downsample == "conv" else None
        dim, inner = spec.dim, spec.inner
        narrow = [(nn.Conv2d(dim, inner, 3, padding=1), nn.Conv2d(inner, dim, 1)) for _ in range(spec.depth)]
        self.blocks = nn.ModuleList(nn.Sequential(first, nn.ReLU(), last) for first, last in narrow)

    def forward(self, x, carry=None):
        x = x if self.downsample is None else self.downsample(x)
        for block in self.blocks:
            x = x + block(x)
        return x, None
'''


def install(folder, package, group, **points):
    """Register entry points, name = module, in a folder of the path, as an installed package does."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {module}\n" for name, module in points.items()]
    (info / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")
