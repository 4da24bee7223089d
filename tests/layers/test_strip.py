import pytest
import torch
from torch import nn

from vitspace.layers.strip import banded


@pytest.mark.parametrize("side", [1, 3, 8, 9, 20])
@torch.no_grad()
def test_a_strip_is_a_product_with_its_matrix(side):
    x = torch.randn(2, 5, side, side + 1)
    across = nn.Conv2d(5, 5, (1, 17), padding=(0, 8), groups=5, bias=False)
    down = nn.Conv2d(5, 5, (17, 1), padding=(8, 0), groups=5, bias=False)
    torch.testing.assert_close(x @ banded(across.weight, side + 1).mT, across(x))
    torch.testing.assert_close(banded(down.weight, side) @ x, down(x))
