"""What a training checks for its task."""

import pytest
from torch import nn

from vitspace import InputError
from vitspace.training.tasks import check_batch


def test_batch_norm_trains_on_more_than_one_value():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    with pytest.raises(InputError, match="at least 2 images at once whose last map has one position, but got 1"):
        check_batch("semantic-fpn", network, micro_batch=1, positions=1)
    check_batch("semantic-fpn", network, micro_batch=2, positions=1)
    check_batch("semantic-fpn", network, micro_batch=1, positions=4)
    check_batch("classification", network[:1], micro_batch=1, positions=1)


def test_a_task_has_a_least_batch_of_its_own():
    with pytest.raises(InputError, match="upernet trains on at least 2 images at once, but got 1"):
        check_batch("upernet", nn.Identity(), micro_batch=1, positions=4)
