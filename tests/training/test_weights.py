"""Weights that are dead or of another kind are refused with the name of a tensor."""

import json

import pytest
import torch
from safetensors.torch import save_file

from vitspace.anchors import assemble
from vitspace.errors import InputError
from vitspace.network import build
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.training.weights import begin_with, put, read_weights

SPEC = assemble("msg", {"dim": [16, 32], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]})


def tensors(classes=5):
    torch.manual_seed(1)
    return build(SPEC, classes).state_dict()


def read(tmp_path, changed):
    save_file({name: tensor.contiguous() for name, tensor in changed.items()}, tmp_path / "w.safetensors")
    return read_weights(tmp_path / "w.safetensors")


FLOATS = [name for name, tensor in tensors().items() if tensor.is_floating_point()]
ALIVE = [name for name, tensor in tensors().items() if tensor.is_floating_point() and tensor.any()]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_are_converted(tmp_path, dtype):
    network = build(SPEC, 5)
    put(
        read(tmp_path, {name: tensor.to(dtype) if name in FLOATS else tensor for name, tensor in tensors().items()}),
        network,
        SPEC,
    )
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, tensors()[name].to(dtype).to(tensor.dtype))


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.int64, torch.bool, torch.float8_e4m3fn])
def test_weights_of_another_kind_are_refused(tmp_path, dtype):
    changed = {name: tensor.to(dtype) if name in FLOATS else tensor for name, tensor in tensors().items()}
    with pytest.raises(InputError, match=rf"^{FLOATS[0]} is float32 or .*, but in .* it is {str(dtype)[6:]}"):
        put(read(tmp_path, changed), build(SPEC, 5), SPEC)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", FLOATS)
def test_a_value_that_is_no_number_is_refused_in_any_tensor(tmp_path, name, value):
    changed = tensors()
    changed[name].view(-1)[-1] = value
    with pytest.raises(InputError, match=rf"finite numbers, but 1 of \d+ in {name} of"):
        put(read(tmp_path, changed), build(SPEC, 5), SPEC)


@pytest.mark.parametrize("name", ALIVE)
def test_zeros_are_refused_where_a_network_as_initialised_has_none(tmp_path, name):
    changed = tensors()
    changed[name].zero_()
    with pytest.raises(InputError, match=rf"not all 0, but {name} of .* is"):
        put(read(tmp_path, changed), build(SPEC, 5), SPEC)


def test_doubles_that_no_float_holds_are_refused(tmp_path):
    changed = tensors()
    changed["head.fc.weight"] = torch.full_like(changed["head.fc.weight"], 1e300, dtype=torch.float64)
    with pytest.raises(InputError, match="finite numbers"):
        put(read(tmp_path, changed), build(SPEC, 5), SPEC)


@pytest.mark.parametrize("shape", [(), (5,), (5, 32, 1)])
def test_a_classifier_is_a_matrix(tmp_path, shape):
    with pytest.raises(InputError, match=r"head.fc.weight is a matrix, but in .* it is"):
        read(tmp_path, tensors() | {"head.fc.weight": torch.ones(shape)})


@pytest.mark.parametrize(("classes", "said"), [(5, ""), (3, "a new head of 3 classes"), (9, "a new head of 9 classes")])
def test_a_head_of_another_size_is_made_anew(tmp_path, classes, said):
    network = build(SPEC, classes)
    before = network.head.fc.weight.clone()
    assert begin_with(network, read(tmp_path, tensors()), SPEC, CLASSIFICATION, classes) == said
    for name, tensor in network.state_dict().items():
        if said and name.startswith("head.fc"):
            continue
        assert torch.equal(tensor, tensors()[name])
    assert not said or torch.equal(network.head.fc.weight, before)


@pytest.mark.parametrize("name", ["mean", "std"])
@pytest.mark.parametrize("values", [[], [0.5], [0.5] * 4])
def test_a_channel_has_a_mean_and_a_deviation(tmp_path, name, values):
    facts = {"mean": [0.5] * 3, "std": [0.5] * 3} | {name: values}
    save_file(tensors(), tmp_path / "w.safetensors", {"vitspace": json.dumps(facts)})
    with pytest.raises(InputError, match=rf"the metadata of weights are what vitspace train notes, but in .* {name}"):
        read_weights(tmp_path / "w.safetensors")


def test_weights_of_another_network_are_one_error(tmp_path):
    other = assemble("msg", {"dim": [16, 64], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]})
    with pytest.raises(InputError, match=r"weights have the spec's names and shapes, but in .*safetensors"):
        begin_with(build(other, 3), read(tmp_path, tensors()), other, CLASSIFICATION, 3)


@pytest.mark.parametrize("named", [1, 4, 6])
def test_metadata_that_name_other_classes_than_the_classifier_has_are_refused(tmp_path, named):
    facts = {"vitspace": json.dumps({"classes": ["x"] * named})}
    save_file(tensors(), tmp_path / "w.safetensors", facts)
    with pytest.raises(InputError, match=rf"name each class of the classifier, 5, but those of .* name {named}"):
        read_weights(tmp_path / "w.safetensors")
