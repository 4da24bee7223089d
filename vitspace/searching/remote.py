"""Remote: an evaluation in a process that was not told anything but the study's configuration."""

import json
from functools import cache
from pathlib import Path

from vitspace.latency import LatencySettings
from vitspace.proxies import open_proxy
from vitspace.searching.evaluate import Evaluator
from vitspace.space import load_space
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.trial import Trial


@cache
def open_evaluator(config: str, command: str) -> Evaluator:
    """Return what a study measures, once a process: the proxy's data is loaded then.

    Args:
        config: The study's configuration as JSON.
        command: The command line that runs the study.

    Raises:
        InputError: this machine lacks the space's file, the data or the device.
    """
    study = StudyConfig.of(json.loads(config))
    proxy = open_proxy(study.proxy, study.data, study.device, study.seed)
    latency = LatencySettings(study.latency_backend)
    return Evaluator(load_space(study.space), study.limits, proxy, study.seed, latency, command)


def portable(config: StudyConfig) -> str:
    """Return a configuration as JSON whose paths hold in any folder of this machine, and of others that share it."""
    kind, colon, folder = config.data.partition(":")
    data = f"{kind}:{Path(folder).resolve()}" if colon and Path(folder).exists() else config.data
    space = str(Path(config.space).resolve()) if config.space.endswith((".yaml", ".yml")) else config.space
    return config.model_copy(update={"space": space, "data": data}).model_dump_json()


def evaluate(config: str, command: str, number: int, spec: Spec, anchor: str | None) -> Trial:
    """Return the trial of a spec; see `Evaluator.evaluate`."""
    return open_evaluator(config, command).evaluate(number, spec, {}, anchor)


def score(config: str, command: str, spec: Spec, seed: int) -> float:
    """Return a design's score for a seed.

    Raises:
        ProxyError: it cannot be scored.
    """
    return open_evaluator(config, command).proxy.score(spec, seed).value
