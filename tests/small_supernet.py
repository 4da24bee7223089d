"""Shared weights of a small space, trained two steps, and a design of it."""

from pathlib import Path

import yaml

from vitspace.space import load_space
from vitspace.spec import Spec
from vitspace.supernet import SupernetRequest, train

AXES = {
    "head.width": [32],
    "dim": {"values": [8, 16], "scale": [1, 2, 2, 4]},
    "depth": {"each": [1]},
    "mixer": {"each": ["none"]},
}
RECIPE = "tiny,img_size=32,steps=2,warmup=1,batch_size=8,max_train=40,max_val=16"


class Monitor:
    """A monitor that says nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def progress(self, done: int, total: int) -> None:
        """Say nothing."""


def train_small(folder: Path, resolution: int) -> tuple[Path, Spec]:
    """Train the weights for a space at a resolution, pixels; return their folder and a design."""
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump({"family": "mat", "resolution": resolution, "axes": AXES}))
    train(SupernetRequest(str(file), folder / "net", recipe=RECIPE, data="fractal:3", device="cpu"), Monitor())
    return folder / "net", load_space(str(file)).draw(1, seed=3)[0]
