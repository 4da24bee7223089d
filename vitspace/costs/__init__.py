"""Parameters, multiply-adds and activations of networks, counted part by part.

Convention: 1 FLOP is 1 multiply-add of a convolution, a linear layer or an attention product; norms, activations,
softmax, pooling and sampling count as nothing. Activations are the output elements of the same operations for one image
(Radosavovic et al., "Designing Network Design Spaces", 2020).

A part is built and run once on the meta device at its shapes, under a counter of the operations that run. The counts
are cached in memory and on disk; a network is the sum of its parts. A stage is counted with one block if all its blocks
cost the same, and otherwise with at most three, since the blocks between the first and the last cost the same.
"""

from vitspace.costs.counter import PartCost
from vitspace.costs.networks import Cost, cost
from vitspace.units import CONVENTION

__all__ = ["CONVENTION", "Cost", "PartCost", "cost"]
