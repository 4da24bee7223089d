"""Every space's designs share weights: each tensor fits, and a design with its own weights in the store is itself."""

from functools import cache

import numpy as np
import pytest
import torch
from randoms import random_designs

from vitspace.costs.counter import on_meta
from vitspace.errors import InputError
from vitspace.proxies.recipe import TrainingProxy
from vitspace.proxies.shrinking import make_network
from vitspace.sharing import shared_of
from vitspace.sharing.store import call, with_weights
from vitspace.space import load_space
from vitspace.space.values import with_value
from vitspace.supernet.layout import begin, lay_out

SPACES = ["msg", "ems", "mat", "partial", "vt", "transcnn", "hybrid", "unified"]
RECIPE = TrainingProxy(img_size=32, steps=2, batch_size=4)
CLASSES = 3
#: Shares of the smallest design's FLOPs: designs within are few and small.
NEAR = 1.1


@cache
def near(name):
    """A space, and the range of the multiply-adds of its small designs."""
    space = load_space(name)
    return space, (0.0, NEAR * space.lattice.extreme("macs"))


@cache
def layout(name):
    space, macs = near(name)
    return lay_out(space, macs, RECIPE, CLASSES)


@cache
def store(name):
    return begin(layout(name), seed=0)


def meta(spec):
    with on_meta():
        return make_network(spec, RECIPE, CLASSES)


@cache
def rests(name):
    """By step of the lattice, the fewest multiply-adds that follow each entry."""
    found, least = [], np.zeros(1)
    for entries in reversed(near(name)[0].lattice.entries):
        states = max(len(least), int(entries.target.max()) + 1)
        found.insert(0, np.append(least, np.full(states - len(least), np.inf))[entries.target])
        least = np.full(int(entries.source.max()) + 1, np.inf)
        np.minimum.at(least, entries.source, entries.macs + found[0])
    return found


def walk(name, pick):
    """A small design; ``pick`` is handed what the designs of each stage that can stand next have at least."""
    space, (_, most) = near(name)
    path, state, macs = [], 0, 0
    for entries, rest in zip(space.lattice.entries, rests(name), strict=True):
        least = macs + entries.macs + rest
        open_entries = np.flatnonzero((entries.source == state) & (least <= most))
        path.append(int(open_entries[pick(least[open_entries])]))
        state, macs = entries.target[path[-1]], macs + entries.macs[path[-1]]
    return space.lattice.spec(path)


def some(name, n=3):
    """One of the largest of the small designs, the smallest, and random ones; the space is not ranked for them."""
    rng = np.random.default_rng(1)
    return [walk(name, pick) for pick in (np.argmax, np.argmin, *[lambda least: rng.integers(len(least))] * n)]


@pytest.mark.parametrize("name", SPACES)
def test_a_design_whose_weights_are_put_in_the_store_is_its_own_network(name):
    images = torch.randn(2, 3, 32, 32)
    for spec in some(name, 1):
        own = make_network(spec, RECIPE, CLASSES).eval()
        shared = shared_of(own)
        store(name).put(shared, own.state_dict())
        found = with_weights(store(name), meta(spec)).eval()
        assert found.state_dict().keys() == own.state_dict().keys()
        with torch.no_grad():
            assert torch.equal(found(images), own(images))
            called = call(store(name), meta(spec).eval(), images)
        assert torch.allclose(called, own(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SPACES)
def test_gradients_arrive_in_all_that_a_design_takes_and_nowhere_else(name):
    weights = store(name)
    weights.zero_grad()
    network = meta(some(name, 1)[0]).train()
    shared = [each for each in shared_of(network) if each.trained]
    call(weights, network, torch.randn(4, 3, 32, 32)).square().sum().backward()
    touched = {role for role, tensor in weights.named_parameters() if tensor.grad is not None}
    assert touched == {each.role for each in shared}


@pytest.mark.parametrize("name", SPACES)
def test_tensors_of_one_network_have_roles_of_their_own_and_begin_as_networks_do(name):
    for spec in some(name):
        shared = shared_of(meta(spec))
        assert len({each.role for each in shared}) == len(shared)
        found, own = with_weights(store(name), meta(spec)), make_network(spec, RECIPE, CLASSES)
        assert {n for n, p in found.named_parameters() if p.requires_grad} == dict(own.named_parameters()).keys()
        assert all(p.isfinite().all() for p in found.parameters())


@pytest.mark.parametrize("name", SPACES)
def test_undecayed_tensors_are_those_of_the_networks(name):
    for spec in some(name):
        network = meta(spec)
        assert {each.name for each in shared_of(network) if not each.decayed} == network.no_weight_decay()


def covering(space):
    """Designs that have among them every value of every axis that some design has."""
    drawn = random_designs(space, 40, seed=2)
    params = [space.encode(spec) for spec in drawn]
    left = {(v.name, value) for v in space.variables if len(v.values) > 1 for value in v.values}
    left -= {pair for each in params for pair in each.items()}
    found, missing = list(drawn), set()
    for name, value in sorted(left, key=repr):
        spec = next(filter(None, (_varied(space, each, name, value) for each in params)), None)
        found += [spec] if spec else []
        missing |= set() if spec else {(name, value)}
    return found, missing


def _varied(space, params, name, value):
    try:
        spec = space.decode(with_value(space, params, name, value))
    except InputError:
        return None
    return spec if space.encode(spec).get(name) == value else None


@pytest.mark.parametrize("name", [*SPACES[:-1], pytest.param("unified", marks=pytest.mark.slow)])
def test_every_value_of_every_axis_maps(name):
    space = load_space(name)
    whole = lay_out(space, (0.0, float("inf")), RECIPE, CLASSES)
    specs, missing = covering(space)
    assert not missing
    for spec in specs:
        for each in shared_of(meta(spec)):
            assert all(a <= b for a, b in zip(each.held, whole.shapes[each.role], strict=True)), each
