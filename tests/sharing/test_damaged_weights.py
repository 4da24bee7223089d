"""Shared weights from elsewhere: metadata of a wrong kind, and tensors that are no weights, are one short error."""

import json

import pytest
import torch
from safetensors.torch import save_file

from vitspace.errors import InputError
from vitspace.proxies.training.supernet import open_proxy
from vitspace.sharing import folder

FACTS = {
    "space": "small",
    "budget": "",
    "recipe": {},
    "classes": ["a", "b"],
    "seed": 0,
    "sources": folder.sources(["mat"]),
    "done": 1,
    "steps": 1,
    "undecayed": [],
    "drawn": [],
}
JUNK = (None, True, -1, 0.5, 10**18, "x" * 10_000, [[1]], {"a": 1})


def written(path, facts, tensor=None):
    weight = torch.ones(2) if tensor is None else tensor
    save_file({"weight/stem": weight}, path / folder.WEIGHTS, {"vitspace": json.dumps(facts)})
    return path


def test_what_is_whole_is_read(tmp_path):
    found = folder.read(written(tmp_path, FACTS | {"own": [1]}))
    assert found.facts == FACTS | {"own": [1]} and found.store.tensors.keys() == {"stem"}


@pytest.mark.parametrize("name", FACTS)
def test_metadata_that_lack_a_fact_or_have_one_of_another_kind_are_refused_in_few_words(tmp_path, name):
    refused = 0
    for facts in ({key: FACTS[key] for key in FACTS if key != name}, *(FACTS | {name: junk} for junk in JUNK)):
        try:
            folder.read(written(tmp_path, facts))
        except InputError as error:
            refused += 1
            assert len(str(error)) < 1000 and "\n" not in str(error)
    assert refused >= 5


@pytest.mark.parametrize("facts", [[], 5, None, "x"])
def test_metadata_that_are_no_mapping_are_refused(tmp_path, facts):
    with pytest.raises(InputError, match="is no file of shared weights"):
        folder.read(written(tmp_path, facts))


def test_metadata_that_lack_what_is_shown_are_refused(tmp_path):
    with pytest.raises(InputError, match="is no file of shared weights: key 'seconds' is missing"):
        folder.told(written(tmp_path, FACTS))


@pytest.mark.parametrize("tensor", [torch.ones(2, dtype=torch.int8), torch.tensor([1.0, float("nan")])])
def test_tensors_that_are_no_weights_are_refused(tmp_path, tensor):
    with pytest.raises(InputError, match="shared weights are finite numbers, but stem of"):
        _ = folder.read(written(tmp_path, FACTS, tensor)).store


@pytest.mark.parametrize("changes", [{"max_train": 10**9}, {"img_size": 10**6}])
def test_a_recipe_of_more_images_than_memory_holds_is_refused_before_they_are_made(tmp_path, changes):
    facts = FACTS | {"recipe": {"data": "fractal:3", "steps": 2, **changes}}
    with pytest.raises(InputError, match=r"data are kept in memory, .* images of .* px take .* are free"):
        open_proxy(str(written(tmp_path, facts)), "", "cpu")
