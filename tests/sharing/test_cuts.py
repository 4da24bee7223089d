"""How a tensor is cut from a larger one."""

import pytest
import torch

from vitspace.sharing.cuts import DENSE, cut, held, place

WHOLE = {
    "first": ((), (6, 8), (4, 4), (2, 3)),
    "queries, keys and values": ((3,), (12, 5), (9, 5), (3, 2)),
    "neighbours": ((1, 4), (6, 16), (6, 8), (3, 4)),
    "kernel": ((1, 1, "centre", "centre"), (4, 1, 7, 7), (4, 1, 5, 5), (2, 1, 3, 3)),
    "even kernel": ((1, 1, "centre", "centre"), (2, 1, 4, 4), (2, 1, 2, 2), (1, 1, 2, 2)),
    "relative positions": (("square",), (169, 4), (49, 3), (9, 3)),
    "positions": ((1, "grid"), (1, 16, 1, 8), (1, 9, 1, 6), (1, 4, 1, 4)),
    "groups": (DENSE, (8, 8), (2, 3, 3), (2, 3, 3)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_cut_has_the_shape_asked_for_and_a_cut_of_a_cut_is_the_cut(name):
    rules, whole, middle, small = WHOLE[name]
    tensor = torch.randn(whole)
    first, second = cut(tensor, middle, rules), cut(tensor, small, rules)
    assert first.shape == middle and second.shape == small
    if rules != DENSE:
        assert torch.equal(cut(first, small, rules), second)


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_placed_is_cut_again_and_the_rest_stays(name):
    rules, whole, middle, _ = WHOLE[name]
    tensor, value = torch.randn(whole), torch.randn(middle)
    before = tensor.clone()
    place(tensor, value, rules)
    assert torch.equal(cut(tensor, middle, rules), value)
    assert int((tensor != before).sum()) == value.numel()


def test_the_whole_is_itself():
    tensor = torch.randn(6, 4)
    assert cut(tensor, (6, 4), (3,)) is tensor


def test_parts_keep_their_first_elements_each():
    qkv = torch.arange(12).view(12, 1)
    assert cut(qkv, (6, 1), (3,)).flatten().tolist() == [0, 1, 4, 5, 8, 9]


def test_a_smaller_window_keeps_the_nearest_distances():
    table = torch.arange(25).view(25, 1)  # distances -2..2 along both sides
    assert cut(table, (9, 1), ("square",)).flatten().tolist() == [6, 7, 8, 11, 12, 13, 16, 17, 18]


def test_groups_are_the_blocks_on_the_diagonal_and_channels_keep_their_places():
    matrix = torch.arange(16).view(4, 4)
    assert cut(matrix, (2, 2, 2), DENSE).tolist() == [[[0, 1], [4, 5]], [[10, 11], [14, 15]]]
    assert held((2, 2, 2), DENSE) == (4, 4)
    whole = torch.arange(64).view(8, 8)
    assert torch.equal(cut(whole, (2, 2, 2), DENSE), cut(whole[:4, :4], (2, 2, 2), DENSE))


def test_gradients_arrive_where_the_cut_was_made():
    table = torch.zeros(25, 2, requires_grad=True)
    cut(table, (9, 1), ("square",)).sum().backward()
    assert table.grad.sum() == 9 and table.grad[12, 0] == 1 and table.grad[0, 0] == 0


def test_what_is_too_large_is_refused():
    with pytest.raises(AssertionError, match=r"\(7, 2\) is no part of \(6, 2\)"):
        cut(torch.zeros(6, 2), (7, 2))
