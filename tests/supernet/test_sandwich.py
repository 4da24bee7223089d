"""A step of shared weights: who learns from the labels, and who from the largest design."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from telling import RECIPE

from vitspace.costs.counter import on_meta
from vitspace.proxies.recipe import parse_proxy
from vitspace.proxies.shrinking import make_network
from vitspace.sharing import shared_of
from vitspace.sharing.store import call
from vitspace.space import load_space
from vitspace.supernet.layout import begin, lay_out
from vitspace.supernet.sandwich import Sandwich

CLASSES = 3


@pytest.fixture
def step(small):
    space, recipe = load_space(str(small)), parse_proxy(RECIPE)
    smallest, largest = space.ends()
    store = begin(lay_out(space, (0.0, float("inf")), recipe, CLASSES), seed=0)
    return Sandwich(store, recipe, CLASSES), [largest, smallest]


def scores(sandwich, spec, images):
    with on_meta():
        network = make_network(spec, sandwich.recipe, CLASSES).train()
    return call(sandwich.store, network, images)


def test_the_first_learns_from_labels_the_others_from_it(step):
    sandwich, designs = step
    images, labels = torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 0])
    with torch.no_grad():
        teacher, student = (scores(sandwich, spec, images) for spec in designs)
    by_labels = F.cross_entropy(teacher, labels)
    by_teacher = F.cross_entropy(student, teacher.softmax(1))
    shares = sandwich.step(images, labels, designs, taken=0)
    assert torch.allclose(2 * torch.stack(shares), torch.stack([by_labels, by_teacher]), atol=1e-6)


def test_mixed_targets_are_the_first_ones_alone(step):
    sandwich, designs = step
    images, mixed = torch.randn(4, 3, 32, 32), torch.rand(4, CLASSES).softmax(1)
    with torch.no_grad():
        teacher, student = (scores(sandwich, spec, images) for spec in designs)
    by_targets, by_teacher = F.cross_entropy(teacher, mixed), F.cross_entropy(student, teacher.softmax(1))
    shares = sandwich.step(images, mixed, designs, taken=0)
    assert torch.allclose(2 * torch.stack(shares), torch.stack([by_targets, by_teacher]), atol=1e-6)


def test_only_what_a_design_has_is_changed(step):
    sandwich, designs = step
    before = {role: each.clone() for role, each in sandwich.store.named_parameters()}
    sandwich.step(torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 0]), designs[1:], taken=1)
    with on_meta():
        small = {each.role for each in shared_of(make_network(designs[1], sandwich.recipe, CLASSES))}
    changed = {role for role, each in sandwich.store.named_parameters() if not torch.equal(before[role], each)}
    assert changed and changed <= small
