"""Sampling: our own sampler, `pareto`: which design to evaluate next, by what the ones so far have shown."""

from vitspace.sampling.pareto import ParetoSampler

__all__ = ["ParetoSampler"]
