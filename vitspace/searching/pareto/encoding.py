"""Encodes designs as numbers that a model can compare."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitspace.space.population import Population, PopulationCosts
from vitspace.space.variables import Variable

Floats = NDArray[np.float64]

#: How far a numeric variable's values are alike, as a share of the way from the first to the last.
REACH = 0.5


@dataclass(frozen=True)
class EncodedDesigns:
    """What a model sees of N designs.

    Attributes:
        settings: [N, D]; the product of two rows says how alike two designs are set: where they agree in
            everything it is the share of the variables that are active.
        costs: [N, 3]; logarithms of multiply-adds, params and activations, of mean 0 and variance 1.
    """

    settings: Floats
    costs: Floats

    def __len__(self) -> int:
        return len(self.costs)

    def __getitem__(self, at: NDArray[np.int64] | slice) -> "EncodedDesigns":
        return EncodedDesigns(self.settings[at], self.costs[at])


class Encoding:
    """Encodes the designs of a space.

    Args:
        population: Of the space.
        rows: [N, variables], designs by whose costs others are scaled.
    """

    def __init__(self, population: Population, rows: NDArray[np.int16]) -> None:
        self.population = population
        self._free = [i for i, variable in enumerate(population.variables) if len(variable.values) > 1]
        self._tables = [_table(population.variables[i]) for i in self._free]
        logs = _logs(population.costs(rows))
        self._centre, self._scale = logs.mean(axis=0), np.maximum(logs.std(axis=0), 1e-3)

    def __call__(self, rows: NDArray[np.int16], costs: PopulationCosts) -> EncodedDesigns:
        """Encode valid designs [N, variables]."""
        codes = self.population.codes(rows)
        parts = [table[codes[:, i]] for i, table in zip(self._free, self._tables, strict=True)]
        settings = np.hstack(parts) / np.sqrt(len(parts)) if parts else np.zeros((len(rows), 1))
        return EncodedDesigns(settings, (_logs(costs) - self._centre) / self._scale)


def _table(variable: Variable) -> Floats:
    """Return a vector for each code: numbers are near each other in order, names are all apart, inactive is zero."""
    count = len(variable.values)
    alike = np.eye(count)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in variable.values):
        steps = np.subtract.outer(np.arange(count), np.arange(count)) / (count - 1)
        alike = np.exp(-0.5 * (steps / REACH) ** 2) + 1e-9 * alike
    return np.vstack([np.zeros(count), np.linalg.cholesky(alike)])


def _logs(costs: PopulationCosts) -> Floats:
    return np.log(np.stack([costs.macs, costs.params, costs.activations], axis=1))
