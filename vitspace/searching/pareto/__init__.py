"""Sampling: our own sampler, `pareto`: which design to evaluate next, by what the ones so far have shown."""

from vitspace.searching.pareto.sampler import ParetoSampler

__all__ = ["ParetoSampler"]
