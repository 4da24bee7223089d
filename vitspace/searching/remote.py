"""Evaluation in another process, which is told the study's configuration and no more."""

import json
from functools import cache
from pathlib import Path

from vitspace.searching.evaluate import Evaluator, OnStep
from vitspace.searching.monitor import Silent
from vitspace.searching.rungs import EntersRungs
from vitspace.searching.session import open_evaluator
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.trial import Trial


@cache
def remote_evaluator(config: str, command: str) -> Evaluator:
    """Return what a study measures, once a process: the proxy's data is loaded then.

    Args:
        config: The study's configuration as JSON.
        command: The command line that runs the study.

    Raises:
        InputError: this machine lacks the space's file, the data or the device.
    """
    return open_evaluator(StudyConfig.of(json.loads(config)), command, Silent())


def absolute_paths(config: StudyConfig) -> str:
    """Return a configuration as JSON whose paths hold in any folder of this machine, and of others that share it."""
    kind, colon, folder = config.data.partition(":")
    data = f"{kind}:{Path(folder).resolve()}" if colon and Path(folder).exists() else config.data
    space = str(Path(config.space).resolve()) if config.space.endswith((".yaml", ".yml")) else config.space
    return config.model_copy(update={"space": space, "data": data}).model_dump_json()


def evaluate(
    study: tuple[str, str],
    number: int,
    spec: Spec,
    anchor: str | None,
    on_step: OnStep | None = None,
    rungs: EntersRungs | None = None,
) -> Trial:
    """Return the trial of a spec; see `Evaluator.evaluate`, and `remote_evaluator` for what says which study."""
    return remote_evaluator(*study).evaluate(number, spec, anchor, on_step, rungs)


def score(study: tuple[str, str], spec: Spec, seed: int, on_step: OnStep | None = None) -> float:
    """Return a design's score for a seed.

    Raises:
        ProxyError: it cannot be scored.
    """
    return remote_evaluator(*study).proxy.score(spec, seed, on_step).value
