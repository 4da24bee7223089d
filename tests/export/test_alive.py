"""A network whose scores do not depend on what it is shown is dead, and the layer is named."""

import pytest
import torch

from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.export import ExportedModel, export_folder
from vitspace.export.alive import check_alive
from vitspace.export.model import untrained


@pytest.fixture
def network(spec):
    return untrained(spec, 5, 64).eval()


@pytest.fixture
def images():
    return torch.randn(4, 3, 64, 64)


def test_a_network_as_initialised_lives(network, images):
    check_alive(network, images, "it")


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e-12])
def test_a_head_that_sees_nothing_is_named(network, images, value):
    with torch.no_grad():
        network.head.fc.weight.fill_(value)
        network.head.fc.bias.copy_(torch.arange(5.0))
    with pytest.raises(InputError, match=r"the same for all, from head.fc.weight on: the network is dead"):
        check_alive(network, images, "it")


def test_a_layer_that_puts_out_the_same_for_all_images_is_named(network, images):
    with torch.no_grad():
        network.head.norm.weight.zero_()
    with pytest.raises(InputError, match=r"the same for all, from head.norm.weight on"):
        check_alive(network, images, "it")


def test_equal_rows_of_the_classifier_are_dead(network, images):
    with torch.no_grad():
        network.head.fc.weight.copy_(network.head.fc.weight[:1].expand(5, -1))
        network.head.fc.bias.zero_()
    with pytest.raises(InputError, match=r"from class to class, but those of it are .* equal rows"):
        check_alive(network, images, "it")


def test_rows_are_called_equal_where_they_are(network, images):
    with torch.no_grad():
        network.head.fc.weight.mul_(1e-9)
        network.head.fc.bias.fill_(1.0)
    with pytest.raises(InputError, match=r"those of it are the same for all; nothing is exported"):
        check_alive(network, images[:1], "it")


def test_scores_that_are_no_numbers_are_named(network, images):
    with torch.no_grad():
        network.head.fc.weight.fill_(3e38)
    with pytest.raises(InputError, match=r"finite numbers, but those of it are not, from head.fc.weight on"):
        check_alive(network, images, "it")


def test_images_that_are_alike_say_nothing_of_a_network(network, images):
    check_alive(network, images[:1].expand(4, -1, -1, -1), "it")


def test_nothing_is_exported_of_a_dead_network(spec, weights, tmp_path):
    model = ExportedModel.of(Design("d", spec), weights / "best.safetensors")
    with torch.no_grad():
        model.network.head.fc.weight.fill_(1e-30)
    for formats in (["spec"], ["timm"]):
        with pytest.raises(InputError, match="dead"):
            export_folder(model, formats, tmp_path / "out")
    assert not (tmp_path / "out").exists()
