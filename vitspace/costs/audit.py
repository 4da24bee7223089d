"""Audit: our count beside fvcore's and torch's, operator by operator, on the whole network."""

import warnings
from collections import Counter as Tally
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from vitspace.costs.networks import cost
from vitspace.layers.plain import plain_graph
from vitspace.network import build
from vitspace.spec import Spec

#: What a counter calls an operator -> what we call it.
_NAMES = {
    **{"conv": "convolution", "convolution": "convolution"},
    **{"linear": "linear", "addmm": "linear", "mm": "linear"},
    **{"matmul": "batched product", "bmm": "batched product", "baddbmm": "batched product"},
    **{"einsum": "batched product", "fused_attention": "batched product"},
}
OPERATORS = ("convolution", "linear", "batched product")
IGNORED = "softmax, GELU, SiLU, ReLU, additions, max and average pooling, top-k, gathering and reshaping"


@dataclass(frozen=True)
class AuditRow:
    """Multiply-adds of one operator by each counter; None where a counter does not tell it apart."""

    operator: str
    ours: int | None
    fvcore: int | None
    torch: int | None


def audit(spec: Spec, img_size: int = 224) -> list[AuditRow]:
    """Count a network by parts, with fvcore (fused attention included by a handle), and with torch's counter.

    Rows are operators; ``counted`` adds up those of our convention, and ``total`` all that a counter counts: fvcore
    counts norms and sampling too. Ours are counted part by part, so that only their sum and the share of attention
    products are known. All three run the plain graph.
    """
    mine = cost(spec, img_size)
    by_fvcore, by_torch = _fvcore(spec, img_size), _torch(spec, img_size)
    names = [*OPERATORS, *sorted(set(by_fvcore) - set(OPERATORS))]
    rows = [AuditRow(name, None, by_fvcore.get(name), by_torch.get(name)) for name in names]
    counted = [sum(tally[name] for name in OPERATORS) for tally in (by_fvcore, by_torch)]
    rows.append(AuditRow("counted", mine.macs, *counted))
    rows.append(AuditRow("total", mine.macs, sum(by_fvcore.values()), sum(by_torch.values())))
    return rows


def _fvcore(spec: Spec, img_size: int) -> Tally[str]:
    with warnings.catch_warnings():
        # fvcore traces with torch.jit, which torch deprecates.
        warnings.simplefilter("ignore")
        return _traced(spec, img_size)


def _traced(spec: Spec, img_size: int) -> Tally[str]:
    from fvcore.nn import FlopCountAnalysis

    network, image = build(spec, img_size=img_size).eval(), torch.zeros(1, 3, img_size, img_size)
    analysis = FlopCountAnalysis(network, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    analysis.set_op_handle("aten::scaled_dot_product_attention", _fused_attention)
    tally: Tally[str] = Tally()
    with plain_graph():
        counts = analysis.by_operator()
    for name, count in counts.items():
        tally[_NAMES.get(name, name.removeprefix("aten::"))] += int(count)
    return tally


def _fused_attention(inputs: list, outputs: list) -> Tally[str]:
    """Handle for fvcore: scores and weighted values of softmax(q k^T) v, q [..., T, D] and k, v [..., S, D]."""
    q, k, v = (value.type().sizes() for value in inputs[:3])
    *batch, length, dim = q
    products = length * k[-2] * (dim + v[-1])
    for side in batch:
        products *= side
    return Tally({"fused_attention": products})


def _torch(spec: Spec, img_size: int) -> Tally[str]:
    with torch.device("meta"):
        network, image = build(spec, img_size=img_size).eval(), torch.empty(1, 3, img_size, img_size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    tally: Tally[str] = Tally()
    for operator, count in counter.get_flop_counts()["Global"].items():
        name = str(operator).removeprefix("aten.")
        tally[_NAMES.get(name, name)] += count // 2
    return tally
