"""Weights that the designs of a space share: how one tensor serves many shapes, and the store that holds them all."""

from vitspace.sharing.cuts import cut, held
from vitspace.sharing.roles import Shared, shared_of
from vitspace.sharing.store import Store

__all__ = ["Shared", "Store", "cut", "held", "shared_of"]
