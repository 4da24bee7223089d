"""Successive halving over training presets; every design is trained at the cheapest, the best go on.

``halving:tiny/small`` trains every design by the preset tiny, and the best third of those by small, whose score is the
trial's. Which go on is decided by `vitspace.searching.rungs`, over -score, FLOPs and latency; published designs all do.
``halving:tiny,steps=20/tiny/small/keep=0.25`` has three rungs and keeps a quarter of each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vitspace.errors import InputError, shown
from vitspace.proxies import Score
from vitspace.proxies.training.train import OpenTraining
from vitspace.proxies.training.train import open_proxy as open_training
from vitspace.spec import Spec

RUNGS = True
DEFAULT = "tiny/small"
#: Share of a rung's designs that goes on.
KEEP = 1 / 3


@dataclass(frozen=True)
class Halving:
    """Training proxies from cheap to dear: the `vitspace.proxies.Proxy` of this file.

    Attributes:
        rungs: The proxies.
        keep: Share of a rung's designs that goes on, over 0 and below 1.
        name: ``halving:tiny/small``.
    """

    rungs: tuple[OpenTraining, ...]
    keep: float
    name: str

    @property
    def worst(self) -> float:
        """The loss of chance at the highest rung, in nats."""
        return self.rungs[-1].worst

    def describe(self) -> dict[str, Any]:
        """Return the highest rung's record, and those of all rungs."""
        rungs = [rung.describe() for rung in self.rungs]
        return rungs[-1] | {"name": self.name, "keep": self.keep, "rungs": rungs}

    def score(self, spec: Spec, seed: int, on_step: Callable[[int, int], None] | None = None) -> Score:
        """Score a design at the highest rung; see `OpenTraining.score`."""
        return self.rungs[-1].score(spec, seed, on_step)


def open_proxy(argument: str, data: str, device: str, seed: int = 0) -> Halving:
    """Return the proxy of some presets, their data loaded.

    Args:
        argument: Presets, ``tiny/small``, with fields that differ as those of train; last, perhaps, ``keep=0.25``.
        data: The set; empty for the presets' own.
        device: See `check_device`.
        seed: Of the data.

    Raises:
        InputError: there are fewer than two rungs, they do not go from cheap to dear, or one cannot be opened.
    """
    names = (argument or DEFAULT).split("/")
    keep = _keep(names.pop().partition("=")[2]) if names[-1].startswith("keep=") else KEEP
    if len(names) < 2:
        raise InputError(f"halving has at least two rungs, as in halving:tiny/small, but got {shown(argument)}")
    rungs = tuple(open_training(name, data, device, seed) for name in names)
    for lower, higher in pairwise(rungs):
        if _work(lower) >= _work(higher):
            raise InputError(f"rungs go from cheap to dear, but {higher.name} trains on no more than {lower.name}")
    return Halving(rungs, keep, f"halving:{argument or DEFAULT}")


def _keep(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise InputError(f"keep is over 0 and below 1, but got keep={text}")
    return value


def _work(rung: OpenTraining) -> float:
    """How dear a rung is, for the same design: pixels seen, times what width and depth make of them."""
    recipe = rung.recipe
    assert recipe.steps is not None
    maps = (recipe.img_size / recipe.stem_stride) ** 2
    return recipe.steps * recipe.batch_size * maps * recipe.width**2 * recipe.depth
