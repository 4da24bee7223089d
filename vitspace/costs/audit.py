"""Our count beside those of fvcore and torch, operator by operator, on the whole network, and beside what runs."""

import warnings
from collections import Counter as Tally
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vitspace.costs.counter import Counter
from vitspace.costs.networks import cost
from vitspace.image_sizes import ImageSize, sides
from vitspace.layers.plain import plain_graph
from vitspace.network import Network, build
from vitspace.spec import Spec

#: A counter's name of an operator -> ours.
_NAMES = {
    **{"conv": "convolution", "convolution": "convolution"},
    **{"linear": "linear", "addmm": "linear", "mm": "linear"},
    **{"matmul": "batched product", "bmm": "batched product", "baddbmm": "batched product"},
    **{"einsum": "batched product", "fused_attention": "batched product"},
}
#: Operators that copy and compute nothing, although torch does not call them views.
_RESHAPING = {"_unsafe_view", "empty"}
OPERATORS = ("convolution", "linear", "batched product")
COUNTERS = ("ours", "fvcore", "torch")
#: All counts of a row: ours of the plain graph and of what evaluation runs, and the other counters' of the plain one.
COUNTS = ("ours", "as_run", "fvcore", "torch")


@dataclass(frozen=True)
class AuditRow:
    """Multiply-adds of one operator by each counter; None where a counter does not count it.

    Attributes:
        operator: Its name.
        ours: By our counter, on the plain graph.
        as_run: By our counter, on what evaluation runs; see `as_run`.
        fvcore: By fvcore, on the plain graph.
        torch: By torch's counter, on the plain graph.
    """

    operator: str
    ours: int | None
    as_run: int | None
    fvcore: int | None
    torch: int | None


@dataclass(frozen=True)
class Audit:
    """Four counts of one network.

    Attributes:
        rows: One for each operator; then ``counted``, the sum over the operators of our convention, which for our
            counter is the sum over parts that `cost` returns; then ``total``, the sum over all operators.
        ignored: Counter -> operator -> how often it ran uncounted; views and reshaping are left out.
    """

    rows: list[AuditRow]
    ignored: dict[str, dict[str, int]]

    @property
    def difference(self) -> float:
        """Multiply-adds of what evaluation runs over those of the plain graph, less 1."""
        counted = next(row for row in self.rows if row.operator == "counted")
        assert counted.ours and counted.as_run is not None
        return counted.as_run / counted.ours - 1

    def to_json(self) -> dict[str, Any]:
        """Return what ``vitspace profile --audit --json`` adds."""
        rows = [vars(row) for row in self.rows]
        return {"audit": rows, "as_run_difference": self.difference, "ignored": self.ignored}


def audit(spec: Spec, img_size: ImageSize = 224) -> Audit:
    """Count a network with our counter, with fvcore (and a handle for fused attention), and with torch's counter.

    All three run the plain graph. A fourth count is that of what evaluation runs, by our counter.

    Raises:
        InputError: the image is smaller than the network's stride.
    """
    by_parts = cost(spec, img_size).macs
    ours, seen = _ours(spec, img_size)
    runs = as_run(spec, img_size)
    torchs = _torch(spec, img_size)
    with warnings.catch_warnings():
        # fvcore traces with torch.jit, which torch deprecates.
        warnings.simplefilter("ignore")
        fvcore, missed = _fvcore(spec, img_size)
    tallies = (ours, runs, fvcore, torchs)
    others = sorted({name for tally in tallies for name in tally} - set(OPERATORS))
    rows = [AuditRow(name, *(tally.get(name) for tally in tallies)) for name in (*OPERATORS, *others)]
    counted = [by_parts, *(sum(tally[name] for name in OPERATORS) for tally in tallies[1:])]
    rows.append(AuditRow("counted", *counted))
    rows.append(AuditRow("total", *(sum(tally.values()) for tally in tallies)))
    unseen = {name: times for name, times in seen.items() if name not in torchs}
    return Audit(rows, {"ours": seen, "fvcore": missed, "torch": unseen})


def _ours(spec: Spec, img_size: ImageSize) -> tuple[Tally[str], dict[str, int]]:
    counter = Counter()
    counter.run(*_network_and_image(spec, img_size))
    return _named(counter.by_operator), _sorted(counter.uncounted)


def as_run(spec: Spec, img_size: ImageSize = 224) -> Tally[str]:
    """Return the multiply-adds by operator of what evaluation runs in PyTorch on the CPU, in float32.

    That is the same function with fewer or larger operators: weights are multiplied beforehand, and what nothing reads
    is left out. What is made of weights beforehand is not counted, since it is kept from one image to the next. Fused
    attention is counted as the products that it is made of.
    """
    network, image = build(spec, img_size=img_size).eval(), torch.zeros(1, 3, *sides(img_size))
    counter = Counter()
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        network(image)  # makes what is kept
        counter.run(network, image)
    return _named(counter.by_operator)


def _torch(spec: Spec, img_size: ImageSize) -> Tally[str]:
    network, image = _network_and_image(spec, img_size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(image)
    counts = counter.get_flop_counts()["Global"]
    return _named(Tally({operator: count // 2 for operator, count in counts.items()}))


def _network_and_image(spec: Spec, img_size: ImageSize) -> tuple[Network, Tensor]:
    with torch.device("meta"):
        return build(spec, img_size=img_size), torch.empty(1, 3, *sides(img_size))


def _fvcore(spec: Spec, img_size: ImageSize) -> tuple[Tally[str], dict[str, int]]:
    from fvcore.nn import FlopCountAnalysis

    network, image = build(spec, img_size=img_size).eval(), torch.zeros(1, 3, *sides(img_size))
    analysis = FlopCountAnalysis(network, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    analysis.set_op_handle("aten::scaled_dot_product_attention", _fused_attention)
    with plain_graph():
        counts = {name: int(count) for name, count in analysis.by_operator().items()}
        missed = analysis.unsupported_ops()
    return _named(Tally(counts)), _sorted(missed)


def _fused_attention(inputs: list, outputs: list) -> Tally[str]:
    """Handle for fvcore: scores and weighted values of softmax(q k^T) v, q [..., T, D] and k, v [..., S, D]."""
    q, k, v = (value.type().sizes() for value in inputs[:3])
    *batch, length, dim = q
    products = length * k[-2] * (dim + v[-1])
    for side in batch:
        products *= side
    return Tally({"fused_attention": products})


def _named(counts: Tally) -> Tally[str]:
    tally: Tally[str] = Tally()
    for operator, count in counts.items():
        name = _plain(operator)
        tally[_NAMES.get(name, name)] += count
    return tally


def _sorted(times: Tally) -> dict[str, int]:
    """Return operators, the most frequent first."""
    named = ((_plain(operator), count) for operator, count in Tally(times).most_common())
    return {name: count for name, count in named if name not in _RESHAPING}


def _plain(operator: object) -> str:
    """Return an operator's name without its namespace: ``aten::gelu``, ``aten.gelu`` -> ``gelu``."""
    return str(operator).replace("aten::", "").removeprefix("aten.")
