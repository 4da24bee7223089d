"""Trains weights that all designs of a space share, so that thousands of designs are scored by evaluation alone."""

from vitspace.supernet.request import SupernetRequest
from vitspace.supernet.run import train

__all__ = ["SupernetRequest", "train"]
