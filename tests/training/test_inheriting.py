"""Full trainings that begin with weights that designs shared."""

from pathlib import Path

import pytest
import torch
from noting import Notes
from small_supernet import train_small

from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.network import build
from vitspace.proxies import open_proxy
from vitspace.proxies.inherited import inherit
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.training import train
from vitspace.training.inheriting import begin, read_init


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder of shared weights, and a design of their space."""
    return train_small(tmp_path_factory.mktemp("shared"), 64)


def inherited(shared):
    folder, spec = shared
    return read_init(Path(f"supernet:{folder}"), spec, CLASSIFICATION)


def test_a_network_begins_with_the_designs_tensors(shared):
    folder, spec = shared
    proxy = open_proxy(f"supernet:{folder}", "", "cpu")
    wanted = inherit(proxy.store, spec, proxy.recipe, proxy.dataset).state_dict()
    same, other = build(spec, 3), build(spec, 5)
    assert begin(same, inherited(shared), spec, CLASSIFICATION, 3) == ""
    assert all(torch.equal(each, wanted[name]) for name, each in same.state_dict().items())
    assert begin(other, inherited(shared), spec, CLASSIFICATION, 5) == "a new head of 5 classes"
    assert torch.equal(other.stem[0].weight, same.stem[0].weight)


def test_what_begins_anew_is_said(shared):
    begun, spec = inherited(shared), shared[1]
    begun.tensors["stages.0.blocks.0.norm2.weight"] = torch.ones(3)
    words = begin(build(spec, 3), begun, spec, CLASSIFICATION, 3)
    assert words == "1 tensor of another shape anew, as stages.0.blocks.0.norm2.weight"


def test_a_training_says_what_it_begins_with(ask, shared):
    folder, spec = shared
    notes = Notes()
    train(ask(design=Design("small", spec), init=Path(f"supernet:{folder}")), notes)
    assert any(f"beginning with supernet:{folder}" in note for note in notes.lines)


def test_designs_of_other_spaces_are_refused(ask, shared):
    with pytest.raises(InputError, match=r"shared by designs of space small, but .* has no shared tensor"):
        train(ask(init=Path(f"supernet:{shared[0]}")), Notes())
    with pytest.raises(InputError, match="'none' holds none"):
        train(ask(init=Path("supernet:none")), Notes())
    with pytest.raises(InputError, match=r"shared weights are of classification, but .* for semantic-fpn"):
        read_init(Path(f"supernet:{shared[0]}"), shared[1], "semantic-fpn")
