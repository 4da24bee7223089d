"""Opens a process's part in a stored study, for searches and workers; joins a study; runs one of its trials again."""

import time
from typing import Any

import torch

from vitspace.errors import InputError
from vitspace.machine.devices import computing_on, default_threads
from vitspace.machine.host import fingerprint
from vitspace.searching.checks import check_environment, check_same
from vitspace.searching.engines import run_engine
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.first import alternates, enqueue, first_designs, is_ready
from vitspace.searching.latency import rejected_unsure
from vitspace.searching.lease import LeaseTiming
from vitspace.searching.monitor import Monitor
from vitspace.searching.session import Session, open_evaluator
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.storage import naming_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


def open_session(
    store: StudyStore, config: StudyConfig, command: str, monitor: Monitor, evaluator: Evaluator | None = None
) -> Session:
    """Return this process's part in a stored study: that of a search, a worker, a SLURM job or an NNI worker.

    Args:
        store: The study.
        config: What it is asked now.
        command: The command line, for the record.
        monitor: Is told how it goes.
        evaluator: What the study measures, where this process has opened it already to make the study.

    Raises:
        InputError: something of the study's is missing here, or is no longer what the study was made of.
    """
    evaluator = evaluator or open_evaluator(config, command, monitor)
    check_same(store.study.user_attrs.get("resolved", {}), evaluator)
    _wait_until_ready(store, evaluator)
    return Session(store, config, evaluator, monitor)


def join(
    store: StudyStore,
    settings: dict[str, Any],
    command: str = "",
    monitor: Monitor | None = None,
    threads: int | None = None,
) -> StudyRecord:
    """Evaluate designs of a stored study in this process, beside whoever else does, until it is complete.

    Args:
        store: The study.
        settings: ``device`` and ``timeout``, where they are not None.
        command: The command line, for the record.
        monitor: Is told how it goes.
        threads: Threads of one evaluation; None is one on the CPU.

    Raises:
        InputError: a setting or the environment breaks a rule, or something of the study's is missing here.
    """
    check_environment()
    given = {name: value for name, value in settings.items() if value is not None}
    config = StudyConfig.of(store.config.model_dump() | given)
    if len(store.record().counted) < config.trials:
        session = open_session(store, config, command, monitor or Monitor())
        with computing_on(threads or default_threads(config.device)), naming_storage(store.url):
            run_engine(session, "optuna")
    return store.record()


def rerun(store: StudyStore, number: int, device: str | None = None, monitor: Monitor | None = None) -> dict[str, Any]:
    """Score a stored trial's design again by the proxy, alone, on as many threads as then; nothing is stored.

    One that an unsure latency rejected before it was scored is scored, too.

    Raises:
        InputError: the study has no such trial, or it has no score for another reason.
    """
    trial = _to_run_again(store, number)
    assert trial.spec is not None
    stored = trial.score if trial.proxy_score is None else trial.proxy_score
    config = store.config.model_copy(update={"device": device} if device else {})
    if threads := trial.details.get("run", {}).get("threads"):
        torch.set_num_threads(threads)
    score = open_evaluator(config, "", monitor or Monitor()).score(trial.spec, trial.seed)
    return {
        "number": number,
        "spec_id": trial.spec.id,
        "seed": trial.seed,
        "score": score.value,
        "stored_score": stored,
        "equal": None if stored is None else score.value == stored,
        "state": trial.state,
        "why": trial.why,
        "host": fingerprint(),
        "stored_host": trial.details.get("host"),
    }


def _to_run_again(store: StudyStore, number: int) -> Trial:
    """Return a trial that has a score, or would have one but for an unsure latency.

    Raises:
        InputError: there is none of that number, or it has no score for another reason.
    """
    trial = next((trial for trial in store.trials() if trial.number == number), None)
    rule = f"a trial to run again is one of {store.name} that has a score, or that an unsure latency rejected, but"
    if trial is None:
        raise InputError(f"{rule} got {number}")
    if trial.score is None and not rejected_unsure(trial, store.config.limits):
        low, high = trial.latency.get("low_ms"), trial.latency.get("high_ms")
        interval = f" (95 % interval {low:.4g} to {high:.4g} ms)" if low and high else ""
        raise InputError(f"{rule} trial {number} is {trial.state}: {trial.why}{interval}")
    return trial


def _wait_until_ready(store: StudyStore, evaluator: Evaluator) -> None:
    """Wait until whoever makes a study has queued its first designs, or is gone for a lease; then queue the rest."""
    began, lease = time.monotonic(), LeaseTiming.from_environment().lease
    while not is_ready(store) and time.monotonic() - began < lease:
        time.sleep(0.1)
    if not is_ready(store):
        config, space = store.config, evaluator.space
        enqueue(store, space, first_designs(space, config, alternates(config, evaluator)))
