"""Samplers: what proposes designs, by name."""

import warnings

import optuna

from vitspace.study.config import STARTUP


def make_sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    """Return one of Optuna's samplers by our name for it."""
    samplers = optuna.samplers
    makers = {
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
        return makers[name]()
