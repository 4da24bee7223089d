"""Session: a process's part in a stored study: what it opens to evaluate designs, and joining from anywhere."""

import json
import sys
import textwrap
import time
from typing import Any

import torch

from vitspace.errors import InputError
from vitspace.host import fingerprint
from vitspace.latency import LatencySettings, check_backend
from vitspace.proxies import Proxy, open_proxy, takes_data
from vitspace.searching.engines import Monitor, OpenStudy, Silent, open_engine
from vitspace.searching.evaluate import Evaluator
from vitspace.searching.first import enqueue, first_designs, is_ready
from vitspace.searching.lease import LeaseTiming, check_environment
from vitspace.searching.workers import stop_without_parent
from vitspace.space import Space, load_space
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.storage import named_failure
from vitspace.study.store import StudyStore

#: Of a proxy's description, what may differ from host to host and from version to version.
_MAY_DIFFER = {"device", "report_card", "rungs", "rescaled", "chance_loss", "chance_accuracy", "weights", "intercept"}


class Lines(Silent):
    """A monitor that writes its notes on standard error, a line each."""

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)


def open_proxy_of(config: StudyConfig, monitor: Monitor) -> Proxy:
    """Return a study's proxy, its data loaded.

    Raises:
        InputError: there is no such proxy, data, device or back end.
    """
    check_backend(config.latency_backend)
    if takes_data(config.proxy):
        monitor.note(f"loading {config.data}")
    return open_proxy(config.proxy, config.data, config.device, config.seed)


def join(
    store: StudyStore, url: str, settings: dict[str, Any], command: str = "", monitor: Monitor | None = None
) -> StudyRecord:
    """Evaluate designs of a stored study in this process, beside whoever else does, until it is complete.

    Args:
        store: The study.
        url: Its storage.
        settings: ``device`` and ``timeout``, where they are not None.
        command: The command line, for the record.
        monitor: Is told how it goes.

    Raises:
        InputError: a setting or the environment breaks a rule, or something of the study's is missing here.
    """
    monitor = monitor or Silent()
    check_environment()
    wait_until_ready(store)
    given = {name: value for name, value in settings.items() if value is not None}
    config = StudyConfig.of(store.config.model_dump() | given)
    if len(store.record().completed) < config.trials:
        study = open_study(store, url, config, open_proxy_of(config, monitor), command, monitor)
        check_same(store, study.space, study.evaluator.proxy)
        study.check = stop_without_parent
        with named_failure(url):
            open_engine("optuna", study).run(config)
    return store.record()


def rerun(store: StudyStore, number: int, device: str | None = None, monitor: Monitor | None = None) -> dict[str, Any]:
    """Score a stored trial's design again, alone, on as many threads as then; nothing is stored.

    Raises:
        InputError: the study has no such trial with a score.
    """
    trials = {trial.number: trial for trial in store.record().completed}
    if number not in trials:
        raise InputError(f"a trial to run again is a complete one of {store.study.study_name}, but got {number}")
    trial = trials[number]
    assert trial.spec is not None
    config = store.config.model_copy(update={"device": device} if device else {})
    if threads := trial.details.get("run", {}).get("threads"):
        torch.set_num_threads(threads)
    score = open_proxy_of(config, monitor or Silent()).score(trial.spec, trial.seed)
    return {
        "number": number,
        "spec_id": trial.spec.id,
        "seed": trial.seed,
        "score": score.value,
        "stored_score": trial.score,
        "equal": score.value == trial.score,
        "host": fingerprint(),
        "stored_host": trial.details.get("host"),
    }


def open_study(
    store: StudyStore, url: str, config: StudyConfig, proxy: Proxy, command: str, monitor: Monitor
) -> OpenStudy:
    """Return what an engine works on."""
    space = load_space(config.space)
    evaluator = Evaluator(space, config.limits, proxy, config.seed, LatencySettings(config.latency_backend), command)
    return OpenStudy(store, url, space, evaluator, monitor)


def describe_space(space: Space) -> dict[str, Any]:
    """Return what a study is to remember of its space."""
    facts = {"name": space.name, **space.config.model_dump(mode="json", exclude_unset=True)}
    return facts | {"resolution": space.resolution}


def check_same(store: StudyStore, space: Space, proxy: Proxy) -> None:
    """Refuse to put trials of two spaces or two proxies, as of a file that was edited, into one study.

    Raises:
        InputError: one of them is no longer what the study was made of.
    """
    resolved = store.study.user_attrs.get("resolved", {})
    for what, now in (("space", describe_space(space)), ("proxy", proxy.describe())):
        then = resolved.get(what) or {}
        for key in sorted((then.keys() | now.keys() if what == "space" else then.keys() & now.keys()) - _MAY_DIFFER):
            if then and then.get(key) != json.loads(json.dumps(now.get(key))):
                raise InputError(
                    f"a study goes on with the {what} it was made of, but {key} was {_short(then.get(key))} and is "
                    f"{_short(now.get(key))} here; begin another study"
                )


def _short(value: Any) -> str:
    return textwrap.shorten(repr(value), 80, placeholder=" ...")


def wait_until_ready(store: StudyStore) -> None:
    """Wait until whoever makes a study has queued its first designs, or is gone for a lease; then queue the rest."""
    began, lease = time.monotonic(), LeaseTiming.from_environment().lease
    while not is_ready(store) and time.monotonic() - began < lease:
        time.sleep(0.1)
    if not is_ready(store):
        config = store.config
        space = load_space(config.space)
        enqueue(store, space, first_designs(space, config))
