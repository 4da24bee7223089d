"""Evaluation in another process, which is told what the study is, and refuses where it is made of something else."""

import json
import platform
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from vitspace.errors import InputError
from vitspace.searching.checks import check_same, made_of
from vitspace.searching.evaluate import Evaluator, OnStep
from vitspace.searching.monitor import Monitor
from vitspace.searching.rungs import EntersRungs
from vitspace.searching.session import Session, open_evaluator
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.trial import Trial


class RemoteStudy(NamedTuple):
    """What another process is told of a study.

    Attributes:
        config: The study's configuration as JSON.
        command: The command line that runs the study.
        made_of: Its space, proxy and code as JSON; see `vitspace.searching.checks.made_of`.
    """

    config: str
    command: str
    made_of: str

    @classmethod
    def of(cls, session: Session) -> Self:
        """Return what is told of a session's study."""
        evaluator = session.evaluator
        return cls(absolute_paths(session.config), evaluator.command, json.dumps(made_of(evaluator)))


@cache
def remote_evaluator(study: RemoteStudy) -> Evaluator:
    """Return what a study measures, once a process: the proxy's data is loaded then.

    Raises:
        InputError: this machine lacks the space's file, the data or the device, or has other ones, or other code.
    """
    evaluator = open_evaluator(StudyConfig.of(json.loads(study.config)), study.command, Monitor())
    try:
        check_same(json.loads(study.made_of), evaluator)
    except InputError as error:
        raise InputError(f"{error} (on {platform.node()})") from None
    return evaluator


def absolute_paths(config: StudyConfig) -> str:
    """Return a configuration as JSON whose paths hold in any folder of this machine, and of others that share it."""
    kind, colon, folder = (config.data or "").partition(":")
    data = f"{kind}:{Path(folder).resolve()}" if colon and Path(folder).exists() else config.data
    space = str(Path(config.space).resolve()) if config.space.endswith((".yaml", ".yml")) else config.space
    return config.model_copy(update={"space": space, "data": data}).model_dump_json()


def evaluate(
    study: RemoteStudy,
    number: int,
    spec: Spec,
    anchor: str | None,
    on_step: OnStep | None = None,
    rungs: EntersRungs | None = None,
) -> Trial:
    """Return the trial of a spec; see `Evaluator.evaluate`."""
    return remote_evaluator(study).evaluate(number, spec, anchor, on_step, rungs)


def score(study: RemoteStudy, spec: Spec, seed: int, on_step: OnStep | None = None) -> float:
    """Return a design's score for a seed.

    Raises:
        ProxyError: it cannot be scored.
    """
    return remote_evaluator(study).score(spec, seed, on_step).value
