"""The SLURM launcher: workers as jobs, sent through submitit.

It is started where jobs are submitted, with ``--workers N`` for N jobs, and a storage that the nodes reach: a database
or a gRPC proxy, or a journal on a file system whose locks hold between hosts. ``SBATCH_PARTITION``, ``SBATCH_ACCOUNT``
and the like are sbatch's own. A job asks for one GPU where ``--device`` is cuda or cuda:N, or as many as ``--gpus``
is. Without SLURM the jobs are processes of this machine. A job that SLURM takes away has its trial run by another.
"""

import hashlib
import math
import sys
import time
from pathlib import Path
from typing import Any

from vitspace.errors import StudyFailedError
from vitspace.files import write_secret
from vitspace.searching.engines import Engine
from vitspace.searching.engines._lazy import Lazy
from vitspace.searching.monitor import Watcher
from vitspace.searching.session import Session
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore
from vitspace.words import plural

ENGINE = Engine(gpus=True)
submitit: Any = Lazy("submitit")
#: Minutes that a job may last, unless ``--timeout`` says how long the study may.
MINUTES = 24 * 60
#: Minutes beside the timeout in which the last trial ends.
_MORE = 30
_LOOK = 2.0
#: Where jobs are described and write their logs.
FOLDER = Path("submitit")


def run(session: Session) -> None:
    """Have jobs evaluate designs; see `vitspace.searching.engines`."""
    store, config, monitor = session.store, session.config, session.monitor
    monitor.started(store.record())
    tell = Watcher(store, monitor)
    jobs = _submit(session)
    monitor.note(f"jobs {', '.join(job.job_id for job in jobs)} are submitted")
    try:
        while not all(job.done() for job in jobs):
            tell()
            time.sleep(_LOOK)
    finally:
        for job in jobs:
            if not job.done():
                job.cancel()
    tell()
    done = len(store.record().counted)
    if done < config.trials and config.timeout is None and not store.used_up:
        logs = ", ".join(str(job.paths.stderr) for job in jobs)
        raise StudyFailedError(f"all jobs ended, with {done} of {plural(config.trials, 'trial')} complete; see {logs}")


def _submit(session: Session) -> list[Any]:
    """Submit as many jobs as there are to be workers, each of which is the command `vitspace worker`."""
    config, name, minutes = session.config, session.store.name, MINUTES
    command = [sys.executable, "-m", "vitspace", "worker", name, "--storage", f"@{_storage_file(session.store)}"]
    command += ["--device", config.device]
    if config.timeout is not None:
        command += ["--timeout", str(config.timeout)]
        minutes = math.ceil(config.timeout / 60) + _MORE
    write_secret(_storage_file(session.store), session.store.url)
    executor = submitit.AutoExecutor(folder=FOLDER / "%j")
    executor.update_parameters(name=f"vitspace-{name}", timeout_min=minutes, **_gpus(config))
    work = submitit.helpers.CommandFunction(command, verbose=False)
    return [executor.submit(work) for _ in range(session.workers or 1)]


def _storage_file(store: StudyStore) -> Path:
    """Return the file in which jobs find the storage's URL, which may hold a password; one for each storage."""
    return FOLDER / f"{store.name}-{hashlib.sha256(store.url.encode()).hexdigest()[:8]}.storage"


def _gpus(config: StudyConfig) -> dict[str, int]:
    """Return what a job asks for: one GPU where the device is one, unless the study says how many."""
    default = float(config.device.startswith("cuda"))
    count = math.ceil(default if config.gpus is None else config.gpus)
    return {"gpus_per_node": count} if count else {}
