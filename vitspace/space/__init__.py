"""The sets of specs that a study may draw from."""

from vitspace.space.loading import load_sizes, load_space, stored_space
from vitspace.space.space import Space
from vitspace.space.variables import InvalidDesign, Variable

__all__ = ["InvalidDesign", "Space", "Variable", "load_sizes", "load_space", "stored_space"]
