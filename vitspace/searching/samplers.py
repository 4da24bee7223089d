"""The samplers, which propose designs, by name."""

import warnings
from collections.abc import Callable

import optuna

from vitspace.searching.estimated import Estimator
from vitspace.searching.pareto import ParetoSampler
from vitspace.searching.pareto.model import Prior, nothing
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.study.config import STARTUP, StudyConfig


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
    samplers = optuna.samplers
    makers: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
        "pareto": lambda: ParetoSampler(space, config.limits.counted, config.seed, accept, lag, _prior(config, space)),
        "tpe": lambda: samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True),
        "nsga2": lambda: samplers.NSGAIISampler(seed=seed),
        "nsga3": lambda: samplers.NSGAIIISampler(seed=seed),
        "gp": lambda: samplers.GPSampler(seed=seed),
        "qmc": lambda: samplers.QMCSampler(seed=seed),
        "random": lambda: samplers.RandomSampler(seed=seed),
        "evolution": lambda: samplers.RandomSampler(seed=seed),  # NNI's tuner proposes
    }
    with warnings.catch_warnings():
        # Some are experimental in name, for years; conditional axes need TPE's groups.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return makers[config.sampler]()


def _prior(config: StudyConfig, space: Space) -> Prior:
    """Return what is expected of scores: the estimates that a search in points begins with."""
    if config.accuracy == "proxy":
        return nothing
    estimator = Estimator(space.population, space.resolution)
    return lambda rows: estimator(rows).mean
