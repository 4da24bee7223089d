"""The networks that are scored, of specs or of timm's registry, with their names and image sizes."""

from collections.abc import Callable
from dataclasses import dataclass

import timm
from torch import nn

from vitspace.costs.counter import on_meta
from vitspace.network import build
from vitspace.spec import NATIVE_SIZE, Spec

TIMM = "timm:"


@dataclass(frozen=True)
class Subject:
    """A network that can be built anew.

    Attributes:
        name: The spec's id, or ``timm:`` and a name of its registry.
        make: Builds it, on the device and with the random numbers that are current.
        resolution: Side of the image in pixels at which it is counted.
        spec: The spec, where it is one's.
    """

    name: str
    make: Callable[[], nn.Module]
    resolution: int = NATIVE_SIZE
    spec: Spec | None = None

    @classmethod
    def of_spec(cls, spec: Spec, resolution: int = NATIVE_SIZE) -> "Subject":
        """Return the subject of a spec."""
        return cls(spec.id, lambda: build(spec), resolution, spec)

    @classmethod
    def of_timm(cls, name: str, resolution: int = NATIVE_SIZE) -> "Subject":
        """Return the subject of a name in timm's registry, without weights."""
        return cls(TIMM + name, lambda: timm.create_model(name, pretrained=False), resolution)

    def make_on_meta(self) -> nn.Module:
        """Build it without memory or random numbers, for counting."""
        with on_meta():
            return self.make()
