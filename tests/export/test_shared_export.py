"""Exports of designs with their part of weights that a space's designs share."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_supernet import train_small

from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.export import ExportRequest, export_design
from vitspace.proxies import open_proxy
from vitspace.proxies.inherited import inherit
from vitspace.training.weights import read_weights


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Shared weights as a user names them, and a design of their space."""
    folder, spec = train_small(tmp_path_factory.mktemp("shared"), 224)
    return Path(f"supernet:{folder}"), Design("small", spec)


def test_the_export_has_the_designs_part_of_shared_weights(shared, tmp_path):
    weights, design = shared
    record = export_design(ExportRequest(design, ["timm"], weights, out=tmp_path / "out"))
    proxy = open_proxy(str(weights), "", "cpu")
    wanted = inherit(proxy.store, design.spec, proxy.recipe, proxy.dataset).state_dict()
    given = load_file(tmp_path / "out" / record["files"]["weights"])
    assert (record["img_size"], record["num_classes"]) == (32, 3)
    assert given.keys() == wanted.keys() and all(torch.equal(given[name], wanted[name]) for name in wanted)


def test_the_card_says_where_the_weights_are_from(shared, tmp_path):
    export_design(ExportRequest(shared[1], ["spec"], shared[0], out=tmp_path / "out"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert "the design's part of supernet:net@" in card and "without further training" in card


def test_a_training_begins_with_the_exported_file(shared, tmp_path):
    record = export_design(ExportRequest(shared[1], ["timm"], shared[0], out=tmp_path / "out"))
    found = read_weights(tmp_path / "out" / record["files"]["weights"])
    assert found.num_classes == 3 and found.facts["init"].startswith("supernet:net@")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"img_size": 64}, r"at the size that they were trained at, 32 px, but got 64"),
        ({"num_classes": 7}, r"num_classes is what the weights were trained for, 3"),
        ({"task": "semantic-fpn"}, r"shared weights are of classification, but .* for semantic-fpn"),
        ({"weights": Path("supernet:none")}, r"'none' holds none"),
    ],
)
def test_what_shared_weights_do_not_have_is_refused(shared, tmp_path, changes, message):
    asked = {"design": shared[1], "formats": ["spec"], "weights": shared[0], "out": tmp_path / "out"} | changes
    with pytest.raises(InputError, match=message):
        export_design(ExportRequest(**asked))
    assert not (tmp_path / "out").exists()
