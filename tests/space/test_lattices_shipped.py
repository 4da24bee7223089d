"""The lattices that the package ships."""

import numpy as np
import pytest

from vitspace.files import data_names
from vitspace.space import load_space
from vitspace.space.exploring import explore
from vitspace.space.stored import SHIPPED, key_of, lattice_of, read_shipped, write_shipped

CURE = "the lattice is stale: run python -m vitspace.space.shipping"


def same(one, other):
    columns = zip(one.entries, other.entries, strict=True)
    return one.options == other.options and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for a, b in columns for name in vars(a)
    )


@pytest.mark.parametrize("name", data_names("spaces"))
def test_every_space_of_ours_is_shipped_as_this_code_explores_it(name):
    assert read_shipped(name, key_of(load_space(name))), CURE


@pytest.mark.slow
@pytest.mark.parametrize("name", data_names("spaces"))
def test_what_is_shipped_is_what_is_explored_now(name):
    space = load_space(name)
    assert same(read_shipped(name, key_of(space)), explore(space))


def test_what_is_shipped_is_not_explored(monkeypatch):
    def forbid(space):
        pytest.fail("explored")

    forbid.__module__ = explore.__module__  # it is part of the key
    monkeypatch.setattr("vitspace.space.stored.explore", forbid)
    assert lattice_of(load_space("mat")).size == load_space("mat").size()


def test_a_space_that_only_has_the_name_of_a_shipped_one_is_explored(tiny, tmp_path):
    listed, _ = tiny
    path = write_shipped(listed, tmp_path)
    assert same(read_shipped(listed.name, key_of(listed), tmp_path), explore(listed))
    assert read_shipped(listed.name, "another", tmp_path) is None
    assert write_shipped(listed, tmp_path).read_bytes() == path.read_bytes()
    assert key_of(listed) != key_of(load_space("mat")) and SHIPPED.is_dir()
