"""The designs of a space file: counted, drawn and varied."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from vitspace.anchors import Anchor, all_anchors, specs_at
from vitspace.budget import ANY, Budget
from vitspace.costs import PartCost, cost
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.sized import size_of
from vitspace.space import drawing, moves
from vitspace.space.lattice import Lattice
from vitspace.space.population import Population
from vitspace.space.ranking import Rankings
from vitspace.space.schema import Schema
from vitspace.space.stored import lattice_of
from vitspace.spec import Spec


class Space(Schema):
    """The specs that a space file describes; see `Schema` for its arguments, attributes and errors."""

    def draw(  # noqa: PLR0913 (all but n are optional)
        self,
        n: int,
        budget: Budget | str | None = None,
        seed: int = 0,
        exclude: Collection[Spec] = (),
        *,
        params: str | None = None,
        latency: str | None = None,
        latency_backend: str = "eager",
        replace: bool = False,
        balanced: bool = False,
        fewer: bool = False,
    ) -> list[Spec]:
        """Draw specs within a budget, uniformly over the distinct designs that fit; see `vitspace.space.drawing`.

        Args:
            n: How many; where fewer exist, all of them and a warning.
            budget: A `Budget`, or FLOPs such as ``4G`` or ``3.5G..4G``.
            seed: The same seed draws the same specs.
            exclude: Specs not to draw.
            params: Parameters, such as ``25M``, beside FLOPs.
            latency: CPU latency, such as ``60ms`` or ``40ms..60ms``, as this host's calibration predicts it; designs
                that do far more of something than any measured one are not drawn.
            latency_backend: What runs the networks; see `vitspace.latency.backends`.
            replace: Whether a spec may be drawn more than once, as statistics over the space need it.
            balanced: Even over FLOPs, rather than over designs, most of which cost about the same.
            fewer: Whether fewer are as good, so that there is no warning.

        Raises:
            InputError: nothing fits the budget, too few designs pass the limits beside FLOPs, or latency is limited
                and this host is not calibrated.
        """
        limit = Budget.of(budget, params, latency)
        request = drawing.Request(n, limit, replace, balanced, exclude, fewer=fewer)
        return self._drawn(request, latency_backend, np.random.default_rng(seed))

    def _drawn(self, request: drawing.Request, latency_backend: str, rng: np.random.Generator) -> list[Spec]:
        accept = self._within_latency(request.budget, latency_backend)
        return drawing.draw(self.rankings, dataclasses.replace(request, accept=accept), rng)

    def mutate(
        self,
        specs: Sequence[Spec],
        budget: Budget | str | None = None,
        seed: int = 0,
        exclude: Collection[Spec] = (),
        *,
        params: str | None = None,
    ) -> list[Spec]:
        """Return a mutant of each spec, in order: one to three of its settings get another value.

        What depends on those settings is drawn. Mutants are distinct, canonical, within the budget, and none of
        ``specs``. A spec of which 64 tries find no such mutant has none, so that fewer come back, and a warning says
        how many.

        Args:
            specs: Designs of the space, within the budget or not.
            budget: A `Budget`, or FLOPs such as ``4G``; latency is not looked at, and may not be limited.
            seed: The same seed gives the same mutants.
            exclude: Designs that are no mutant, such as those evaluated already.
            params: Parameters, such as ``25M``, beside FLOPs.

        Raises:
            InputError: a spec is not of the space, or a limit is malformed or on latency.
        """
        rng = np.random.default_rng(seed)
        return moves.mutants(self.population, specs, Budget.of(budget, params), rng, exclude)

    def crossover(
        self,
        ones: Sequence[Spec],
        others: Sequence[Spec],
        budget: Budget | str | None = None,
        seed: int = 0,
        exclude: Collection[Spec] = (),
        *,
        params: str | None = None,
    ) -> list[Spec]:
        """Return a child of each pair of specs, in order: every setting is that of one of its two parents.

        Settings that neither parent has, but the child needs, are at their first value. Children are distinct,
        canonical, within the budget, and none of the parents; the rest is as in `mutate`.

        Raises:
            InputError: as `mutate`, or there are not as many ones as others.
        """
        rng = np.random.default_rng(seed)
        return moves.offspring(self.population, ones, others, Budget.of(budget, params), rng, exclude)

    def _within_latency(self, limit: Budget, backend: str) -> drawing.Accept | None:
        if limit.latency_ms == ANY:
            return None
        if self.task:
            raise InputError(
                f"latency is predicted for classification, so that draws for {self.task.name} have no limit on it, but "
                f"got {limit}"
            )
        # The predictor takes a second to import, and most draws have no such limit.
        from vitspace.latency import LatencySettings, PredictedWithin

        return PredictedWithin(limit, LatencySettings(backend, img_size=self.resolution))

    def size(self, budget: Budget | str | None = None) -> int:
        """Number of distinct designs, or of those whose FLOPs fit a budget.

        Raises:
            InputError: the space is too large to be counted exactly, or more than FLOPs is limited.
        """
        limit = Budget.of(budget)
        if limit != Budget(limit.macs):
            raise InputError(f"designs are counted by FLOPs alone, but the budget is {limit}")
        return self.lattice.size if limit.macs == ANY else self.rankings.of(limit.macs).total

    @cached_property
    def lattice(self) -> Lattice:
        """All distinct designs; explored once, which takes up to minutes, and kept in the cache folder."""
        return lattice_of(self)

    @cached_property
    def population(self) -> Population:
        """What costs many designs of the space at once."""
        return Population(self)

    @cached_property
    def rankings(self) -> Rankings:
        """The designs of ranges of FLOPs, numbered."""
        return Rankings(self.lattice)

    def cost(self, spec: Spec) -> PartCost:
        """Count a design at its size of image, with the head of the space's task."""
        return self.task.cost(spec) if self.task else cost(spec, size_of(spec, self.resolution))

    def over_budget(self, spec: Spec, budget: Budget) -> str:
        """Say which limit on FLOPs or params the spec breaks, or return an empty string."""
        costs = self.cost(spec)
        return budget.violation(macs=costs.macs, params=costs.params)

    def check_budget(self, budget: Budget) -> None:
        """Raise InputError where a budget lies beside all designs of the space."""
        drawing.check_budget(self.rankings, budget)

    @cached_property
    def smallest(self) -> Spec:
        """A design of least FLOPs."""
        return self._at(self.lattice.extreme("macs"))

    def ends(self, budget: Budget | str | None = None) -> tuple[Spec, Spec]:
        """Return a design of least and one of most FLOPs, of those whose FLOPs fit a budget.

        Raises:
            InputError: none fits.
        """
        limit = Budget.of(budget)
        self.check_budget(limit)
        least, most = self.rankings.of(limit.macs).ends or (0, 0)
        return self._at(least), self._at(most)

    def _at(self, macs: int) -> Spec:
        """Return a design of so many multiply-adds."""
        [path] = self.rankings.of((macs, macs)).paths(np.zeros(1, dtype=np.int64)).tolist()
        return self.lattice.spec(path)

    @cached_property
    def shared_macs(self) -> int:
        """Multiply-adds that no design is without: those of the head of the smallest one, with a dense task."""
        if self.task is None:
            return 0
        found = self.task.cost(self.smallest)
        return found.macs - found.backbone.macs

    @property
    def at(self) -> Mapping[ImageSize, "Space"]:
        """By size of image, the space there."""
        return {self.resolution: self}

    def published(self, rows: Iterable[Anchor]) -> dict[str, Spec]:
        """Return published designs by id as the space's studies hold them, inside the space or not; see `specs_at`."""
        return specs_at(rows, self.resolution)

    def anchors(self, ablations: bool = False) -> list[Anchor]:
        """Return the published rows that are points of the space, each design once, anchors before ablations."""
        roles = ("anchor", "ablation") if ablations else ("anchor",)
        own = [row for row in all_anchors().values() if row.family in self.families]
        specs = self.published(row for role in roles for row in own if row.role == role)
        inside: dict[Spec, Anchor] = {}
        for name, spec in specs.items():
            if spec in self:
                inside.setdefault(spec, all_anchors()[name])
        return list(inside.values())
