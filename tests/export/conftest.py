import pytest
from safetensors.torch import save_file

from vitspace.anchors import assemble
from vitspace.export.model import untrained
from vitspace.families import FAMILIES  # noqa: F401 (registers the families)


@pytest.fixture(scope="session")
def spec():
    stage = {"dim": [16, 32], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]}
    return assemble("msg", stage)


@pytest.fixture(scope="session")
def weights(spec, tmp_path_factory):
    """Weights of 5 classes with what `vitspace train` notes, and others of another seed without."""
    import json

    folder = tmp_path_factory.mktemp("weights")
    facts = {"spec_id": spec.id, "img_size": 64, "top1": 12.5, "data": "digits", "epochs": 1, "epoch": 1}
    facts |= {"val_images": 300, "classes": list("abcde"), "command": "vitspace train", "interpolation": "bilinear"}
    save_file(untrained(spec, 5, 64).state_dict(), folder / "best.safetensors", {"vitspace": json.dumps(facts)})
    save_file(untrained(spec, 7, 64, seed=1).state_dict(), folder / "bare.safetensors")
    return folder
