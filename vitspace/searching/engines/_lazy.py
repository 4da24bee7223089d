"""Packages of extras, loaded when first used: so an engine's file can be read where its package is not installed."""

from importlib import import_module
from typing import Any


class Lazy:
    """A package or module of an extra.

    Args:
        name: The module's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
