"""Cost: parameters, multiply-adds and activations, counted part by part.

Convention: 1 FLOP is 1 multiply-add of a convolution, a linear layer or an attention product; norms, activations,
softmax, pooling and sampling count nothing. Activations are the elements put out by the same operations for one image
(Radosavovic et al., "Designing Network Design Spaces", 2020).

A part is built and run once on the meta device at its shapes, under a counter of the operations that really run, and
remembered, in memory and on disk; a network is the sum of its parts. A stage is counted with one block where all its
blocks cost the same, otherwise with at most three: the blocks between the first and the last do.
"""

from vitspace.costs.counter import PartCost
from vitspace.costs.networks import Cost, cost
from vitspace.units import CONVENTION

__all__ = ["CONVENTION", "Cost", "PartCost", "cost"]
