"""Spaces: the sets of specs a study may draw from."""

from vitspace.space.space import InvalidDesign, Space, Variable, load_space

__all__ = ["InvalidDesign", "Space", "Variable", "load_space"]
