"""Predicts score and latency of designs from the trials so far."""

from collections.abc import Callable

import numpy as np

from vitspace.pareto import non_dominated
from vitspace.searching.pareto.encoding import EncodedDesigns, Encoding, Floats
from vitspace.searching.pareto.history import TrialHistory
from vitspace.searching.pareto.improvement import Candidates, Front
from vitspace.searching.pareto.process import AdditiveGP, fit_weights, scaling
from vitspace.space.moves import Rows
from vitspace.space.population import PopulationCosts
from vitspace.study.trial import Trial

#: Weights are fitted again when there is so much more to fit them on, and on at most so many trials.
GROWTH = 1.1
MOST = 128
#: Trials that a prediction is conditioned on at most, so that a proposal of a long study takes no longer.
KNOWN = 500


#: Trials from which on it is learnt how scores differ from what was expected of them.
_FEWEST = 3
#: Standard deviation of a score that is as expected.
_SURE = 1e-3

#: Returns the scores [N] that are expected of designs [N, variables] before any is evaluated.
Prior = Callable[[Rows], Floats]


def nothing(rows: Rows) -> Floats:
    """Expect nothing of any design."""
    return np.zeros(len(rows))


class Surrogate:
    """Predicts scores and latencies of a space's designs; see `learn`.

    Args:
        encoding: Of the space's designs.
        prior: What is expected of designs; it is learnt how scores differ from that.

    Attributes:
        front_rows: The designs of the front, [K, variables].
    """

    def __init__(self, encoding: Encoding, prior: Prior = nothing) -> None:
        self.encoding, self.population, self.prior = encoding, encoding.population, prior
        self._weights: dict[tuple[str, tuple[int, ...]], Floats] = {}

    def learn(self, known: TrialHistory) -> None:
        """Fit the trials so far.

        A score below the reference point's counts as that, as does a design that failed. Designs that run are believed
        to give what is predicted, so that the next proposal lies elsewhere. Anchors that stand at their published
        accuracy teach nothing of how a proxy moves an estimate.
        """
        self._limits = known.reference
        ms = np.array([trial.latency_ms for trial in known.timed], dtype=float)
        self._latency = self._fitted("latency", known.timed, np.log(ms), known)
        told = [trial for trial in known.complete if trial.published_top1 is None]
        trials = sorted([*told, *known.failed], key=lambda trial: trial.number)
        scores = np.array([trial.score if trial.counts else -np.inf for trial in trials], dtype=float)
        least = max(-self._limits[0], min(trial.score or 0.0 for trial in known.complete))
        expected = self.prior(known.rows([trial.spec for trial in trials]))
        score = None
        if len(trials) >= _FEWEST:
            score = self._fitted("score", trials, np.maximum(scores, least) - expected, known)
        rows = known.rows([trial.spec for trial in known.complete])
        points = np.array([trial.point for trial in (*known.complete, *known.outside)])
        if known.pending:
            score, believed = self._believe(score, known.rows(known.pending))
            points = np.concatenate([points, believed])
        self._score = score
        self._front = Front(-points[:, 0], points[:, 1:] / self._limits[1:], -self._limits[0])
        best = non_dominated(points)[: len(rows)]
        self.front_rows = rows[best] if best.any() else rows

    def best(self, rows: Rows, costs: PopulationCosts, count: int) -> tuple[np.ndarray, Floats]:
        """Return which designs are expected to improve most, in order, and by how much."""
        features = self.encoding(rows, costs)
        mean, std = self._score.predict(features) if self._score else (0.0, np.full(len(rows), _SURE))
        mean = self.prior(rows) + mean
        return self._front.best(Candidates(mean, std, self._shares(features, costs)), count)

    def _shares(self, features: EncodedDesigns, costs: PopulationCosts) -> Floats:
        ms = np.exp(self._latency.mean(features))
        return np.stack([costs.macs, ms], axis=1) / self._limits[1:]

    def _believe(self, score: AdditiveGP | None, rows: Rows) -> tuple[AdditiveGP | None, Floats]:
        """Return the process after designs have given what it predicts, and their points."""
        costs = self.population.costs(rows)
        features = self.encoding(rows, costs)
        beyond = score.mean(features) if score else np.zeros(len(rows))
        shares = self._shares(features, costs) * self._limits[1:]
        points = np.column_stack([-(self.prior(rows) + beyond), shares])
        return score.believing(features, beyond) if score else None, points

    def _fitted(self, name: str, trials: list[Trial], values: Floats, known: TrialHistory) -> AdditiveGP:
        def features(at: list[int]) -> EncodedDesigns:
            rows = known.rows([trials[i].spec for i in at])
            return self.encoding(rows, self.population.costs(rows))

        first = np.unique(np.linspace(0, _checkpoint(len(trials)) - 1, MOST).astype(int)).tolist()
        key = name, tuple(trials[i].number for i in first)
        if key not in self._weights:
            centre, scale = scaling(values[first])
            self._weights = {k: w for k, w in self._weights.items() if k[0] != name}
            self._weights[key] = fit_weights(features(first), (values[first] - centre) / scale)
        kept = _kept(len(trials))
        return AdditiveGP.of(features(kept), values[kept], self._weights[key])


def _kept(count: int) -> list[int]:
    """Return which of so many trials are learnt from: the newest, and an even share of those before them."""
    if count <= KNOWN:
        return list(range(count))
    newest = KNOWN // 2
    older = np.linspace(0, count - newest - 1, KNOWN - newest).astype(int)
    return [*older.tolist(), *range(count - newest, count)]


def _checkpoint(count: int) -> int:
    """Return the number of trials, at most ``count``, on which weights are fitted."""
    return int(np.ceil(GROWTH ** np.floor(np.log(count) / np.log(GROWTH) + 1e-9)))
