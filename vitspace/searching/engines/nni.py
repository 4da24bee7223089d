"""The NNI engine: its tuners (tpe, evolution, random) propose, its local training service runs the trials.

NNI starts a process for every proposal. That process is a small one (`vitspace.searching.engines._nni_trial`), which
hands the proposal to one of our workers; they import torch, open the storage and load the proxy's data once. The
anchors, and designs whose process was killed, are evaluated by this process, since NNI's tuners take no designs from
outside. NNI is no longer maintained.
"""

import json
import shlex
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from vitspace.cache import cache_path
from vitspace.errors import StudyFailedError
from vitspace.files import write_secret
from vitspace.folders import check_folder
from vitspace.searching.desk import Desk
from vitspace.searching.engines import Engine, _nni_trial
from vitspace.searching.engines._nni_experiment import BreakdownError, Experiment
from vitspace.searching.engines._nni_space import search_space
from vitspace.searching.engines._nni_workers import STUDY, Workers
from vitspace.searching.monitor import Watcher
from vitspace.searching.remote import absolute_paths
from vitspace.searching.session import Session
from vitspace.searching.streaks import FAILURES, Streaks
from vitspace.searching.work import work_once
from vitspace.study.storage import absolute_url

TUNERS = {"tpe": "TPE", "evolution": "Evolution", "random": "Random"}
ENGINE = Engine(samplers=tuple(TUNERS), proposes=True, local=True)
#: Proposals for each trial that is to complete; the others are rejected.
_PROPOSALS = 50
#: Experiments in a row that may break down before a trial was complete.
BREAKDOWNS = 3
#: Seconds between two looks at the experiment.
_LOOK = 1.0


def run(session: Session) -> None:
    """Evaluate designs; see `vitspace.searching.engines`."""
    with Desk(session, session.score) as desk:
        _Run(session, desk)()


@dataclass
class _Run:
    """Evaluates the queued designs itself, then has NNI propose until the study is complete or the space is used up."""

    session: Session
    desk: Desk
    streaks: Streaks = field(default_factory=Streaks)

    def __call__(self) -> None:
        self._work_on_queued()
        if not self.desk.over:
            self._propose()

    def _work_on_queued(self) -> None:
        """Evaluate what waits: anchors, and designs whose process was killed."""
        while not self.desk.over and self._waiting() and work_once(self.desk, self.session.evaluate):
            pass

    def _waiting(self) -> bool:
        return bool(self.session.store.frozen(TrialState.WAITING))

    def _propose(self) -> None:
        """Have NNI propose and our workers evaluate until the study is over, or NNI has no more to propose."""
        tell = Watcher(self.session.store, self.session.monitor)
        with redirect_stdout(sys.stderr), tempfile.TemporaryDirectory(prefix="vitspace-nni-") as name:
            folder = Path(name)
            write_secret(folder / STUDY, json.dumps(self._study()))
            with Workers(folder, self.session.workers or 1, self.session.monitor) as workers:
                self._experiment(workers, tell)
        tell()
        self._finish()

    def _experiment(self, workers: Workers, tell: Watcher) -> None:
        """Run an experiment of NNI's, and another where it breaks down.

        Raises:
            StudyFailedError: one after the other breaks down.
        """
        store, monitor, broken = self.session.store, self.session.monitor, 0
        settings, tuner = self._settings(workers), TUNERS[self.session.config.sampler]
        while not self.desk.over:
            before = len(store.record().counted)
            try:
                with Experiment(settings, tuner, self._arguments()) as experiment:
                    monitor.note(f"NNI's portal: {experiment.portal}")
                    self._watch(experiment, workers, tell)
                return
            except BreakdownError as error:
                broken = broken + 1 if len(store.record().counted) == before else 1
                if broken == BREAKDOWNS:
                    raise StudyFailedError(f"NNI broke down {broken} times in a row, the last: {error}") from None
                monitor.note(f"NNI broke down: {error}; another experiment goes on, whose tuner starts anew")

    def _watch(self, experiment: Experiment, workers: Workers, tell: Watcher) -> None:
        """Look after an experiment until the study is over, or NNI has no more to propose.

        Raises:
            BreakdownError: the experiment stopped on its own.
            StudyFailedError: too many designs in a row failed, were rejected or too slow, too many trials of NNI's
                failed since a design was last evaluated, or a worker stopped.
        """
        failed = 0
        while not self.desk.over:
            self._work_on_queued()
            ended, look = tell(), experiment.look()
            progress = any(trial.counts for trial in ended)
            for trial in ended:
                self.streaks.add(trial)
            workers.look(progress)
            if look is not None:
                if look.used_up:
                    return
                failed = look.failed if progress else failed
                if look.failed - failed >= FAILURES:
                    logs = experiment.folder / "environments"
                    raise StudyFailedError(f"{look.failed - failed} of NNI's trials failed in a row; see {logs}")
            time.sleep(_LOOK)

    def _finish(self) -> None:
        """Evaluate here the designs that NNI proposed while others seemed to fill the study; it proposes none twice."""
        while not self.desk.over and (self._waiting() or self.desk.queue_uniform()):
            self._work_on_queued()
            if self._waiting():
                self.desk.wait()  # others run what may be the last ones
        if not self.desk.over:
            self.session.monitor.note("NNI has no more designs to propose: the space is used up")

    def _study(self) -> tuple[str, ...]:
        """Return what the workers are told."""
        store, config = self.session.store, self.session.config
        return store.name, absolute_url(store.url), self.session.evaluator.command, absolute_paths(config)

    def _settings(self, workers: Workers) -> dict[str, Any]:
        """Return NNI's settings."""
        return {
            "experiment_working_directory": check_folder(cache_path().parent / "nni", "NNI"),
            "trial_code_directory": workers.folder,
            "trial_command": shlex.join([sys.executable, "-I", _nni_trial.__file__, workers.address.name]),
            "trial_concurrency": workers.count,
            "max_trial_number": _PROPOSALS * self.session.config.trials,
            "search_space": search_space(self.session.space),
        }

    def _arguments(self) -> dict[str, Any]:
        """Return the tuner's arguments; one that starts anew does not repeat what the last one proposed."""
        config = self.session.config
        mode = {"optimize_mode": "maximize"} if config.sampler != "random" else {}
        seed = {"seed": config.seed + len(self.session.store.frozen())} if config.sampler != "evolution" else {}
        return mode | seed
