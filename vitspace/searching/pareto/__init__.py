"""Our own sampler, `pareto`: which design to evaluate next, by the trials so far."""

from vitspace.searching.pareto.sampler import ParetoSampler

__all__ = ["ParetoSampler"]
