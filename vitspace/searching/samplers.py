"""The samplers, which propose designs, by name."""

import warnings
from collections.abc import Callable
from typing import Any

import optuna

from vitspace.searching.estimated import Estimator
from vitspace.searching.pareto import ParetoSampler
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.study.config import STARTUP, StudyConfig

#: Optuna's samplers, made with a seed.
_OF_OPTUNA: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "nsga3": lambda seed: optuna.samplers.NSGAIIISampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "qmc": lambda seed: optuna.samplers.QMCSampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
#: Names of the samplers: ours, then Optuna's.
SAMPLERS = ("pareto", *_OF_OPTUNA)


def make_sampler(
    config: StudyConfig, space: Space, seed: int, accept: Callable[[Spec], bool], lag: int = 0
) -> optuna.samplers.BaseSampler:
    """Return a study's sampler.

    Args:
        config: Names it.
        space: What it draws from.
        seed: Of Optuna's samplers, another one in each process. Ours takes the study's.
        accept: What a design must pass for ours to propose it.
        lag: How many of the last trials ours knows by their design alone; see `ParetoSampler`.
    """
    if config.sampler == "pareto":
        return ParetoSampler(space, config.limits.counted, config.seed, accept, lag, *_expected(config, space))
    with warnings.catch_warnings():
        # Some are experimental in name, for years; conditional axes need TPE's groups.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Under a name of its own an engine proposes by itself.
        return _OF_OPTUNA.get(config.sampler, _OF_OPTUNA["random"])(seed)


def _expected(config: StudyConfig, space: Space) -> tuple[Any, ...]:
    """Return what is expected of scores in a search in points, the estimates, and which designs are of known kinds."""
    if config.accuracy == "proxy":
        return ()
    estimator = Estimator(space.population)
    return (lambda rows: estimator(rows).mean), (lambda rows: estimator(rows).inside)
