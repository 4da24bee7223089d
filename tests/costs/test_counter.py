import pytest
import torch
from torch.nn import functional

from vitspace.costs import counter
from vitspace.costs.counter import Counter, on_meta
from vitspace.families import anchor
from vitspace.network import build

ANCHORS = ["msg_tiny", "emsnet_xxtiny", "mat_1", "partialformer_b0", "vt_r18_adv", "transcnn_small"]


def counted(name):
    with on_meta():
        module = build(anchor(name).spec)
    found = Counter()
    out = found.run(module, torch.empty(1, 3, 224, 224, device="meta"))
    return found.counted, found.by_operator, found.uncounted, out.shape


@pytest.mark.parametrize("name", ANCHORS)
def test_what_is_made_from_shapes_counts_as_torchs_own_kernels_do(name, monkeypatch):
    found = counted(name)
    assert counted(name) == found  # from what is known by now
    monkeypatch.setattr(counter, "put_out", lambda func, args, kwargs: (func(*args, **kwargs), None))
    assert counted(name) == found


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x + 1,
        lambda x: x * torch.empty(4, 1, device="meta"),
        lambda x: x - x.transpose(-1, -2),
        lambda x: x.transpose(-1, -2) * torch.empty(4, device="meta"),
        lambda x: x / torch.empty((), dtype=torch.float64, device="meta"),
        lambda x: x.long() * 2.5,
        lambda x: x.transpose(0, 2) @ torch.empty(4, 3, 5, device="meta").transpose(1, 2)[..., :4].transpose(1, 2),
        lambda x: functional.gelu(x.transpose(0, 1)),
        lambda x: x.transpose(0, 1).softmax(-1),
        lambda x: functional.layer_norm(x.transpose(0, 1), (4,)),
        lambda x: functional.interpolate(x[None], (7, 5), mode="bilinear"),
        lambda x: functional.interpolate(x[None], scale_factor=2.0, mode="bilinear"),
        lambda x: functional.layer_norm(x, (4,)),
    ],
)
def test_outputs_have_the_shape_type_and_order_of_torchs_own(operation):
    x = torch.empty(3, 4, 4, device="meta")
    own = operation(x)
    for _ in range(2):  # by rule or by torch, and then as remembered
        with Counter():
            found = operation(x)
        assert (found.shape, found.dtype, found.stride()) == (own.shape, own.dtype, own.stride())


def test_matrices_that_do_not_match_are_refused():
    with Counter(), pytest.raises(RuntimeError):
        torch.empty(2, 3, device="meta") @ torch.empty(4, 2, device="meta")
