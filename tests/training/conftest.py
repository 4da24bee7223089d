import numpy as np
import pytest
from PIL import Image

from vitspace.anchors import assemble
from vitspace.design import Design
from vitspace.families import FAMILIES  # noqa: F401 (registers the families)
from vitspace.training import Overrides, TrainingRequest


@pytest.fixture(scope="session")
def design():
    stage = {"dim": [16, 16], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]}
    return Design("small", assemble("msg", stage))


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of images of three colours: 36 for training, 9 for validation; one is broken."""
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 3)):
        for channel, name in enumerate(("c2", "c10", "c1")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 80, (40, 40, 3), dtype=np.uint8)
                pixels[..., channel] += 150
                Image.fromarray(pixels).save(folder / f"{i}.png")
    (root / "train" / "c1" / "0.png").write_bytes(b"no image")
    return root


@pytest.fixture
def ask(design, photos, tmp_path):
    """A request for a training of six updates, with changes."""

    def make(**changes):
        overrides = Overrides(epochs=2, batch_size=12, lr=2e-3, img_size=32)
        defaults = {"data": f"imagefolder:{photos}", "out": tmp_path / "out", "overrides": overrides, "device": "cpu"}
        return TrainingRequest(**({"design": design} | defaults | changes))

    return make
