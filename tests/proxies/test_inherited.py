"""A design with the weights that it shares with others."""

import pytest
import torch

from vitspace.proxies.inherited import BATCHES, _mixed


@pytest.mark.parametrize(("count", "batch_size"), [(10_000, 32), (300, 32), (256, 32), (40, 8), (10, 32)])
def test_statistics_are_of_batches_of_all_classes_of_a_sorted_set(count, batch_size):
    classes = torch.arange(count) * 5 // count
    batches = _mixed(count, batch_size)
    assert len(batches) <= BATCHES and all(len(rows) <= batch_size for rows in batches)
    rows = torch.cat(batches)
    assert len(rows.unique()) == min(count, BATCHES * batch_size)
    for each in batches:
        assert torch.bincount(classes[each], minlength=5).float().std() < 1
