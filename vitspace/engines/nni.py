"""The NNI engine: its tuners (tpe, evolution, random) propose, its local training service runs the trials.

Every proposal, also one that is rejected at once, is a fresh process: it imports torch, opens the storage and loads the
proxy's data, which costs 5 to 15 seconds a trial that the other engines spend once. So it is a bridge for those who
want NNI's tuners or its web portal. The anchors, and designs whose process was killed, are evaluated by this process,
since NNI's tuners take no designs from outside. NNI is no longer maintained.
"""

import json
import logging
import shlex
import socket
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from vitspace.cache import cache_path
from vitspace.engines import OpenStudy
from vitspace.engines._desk import Desk
from vitspace.engines._nni_space import search_space
from vitspace.engines._remote import portable
from vitspace.engines._tally import FAILURES
from vitspace.engines._telling import Telling
from vitspace.errors import StudyFailedError
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.storage import storage_file

TUNERS = {"tpe": "TPE", "evolution": "Evolution", "random": "Random"}
#: Proposals for each trial that is to complete; the others are rejected.
_PROPOSALS = 50
#: Seconds between two looks at the experiment.
_LOOK = 1.0


@dataclass
class NniEngine:
    """Runs the queued designs itself, then has NNI propose until the study is complete or the space is used up."""

    study: OpenStudy

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs; see `vitspace.engines.Engine`."""
        with Desk(self.study, config, self._score) as desk:
            self._run_queued(desk)
            if not desk.over:
                self._propose(desk, config)

    def _run_queued(self, desk: Desk) -> None:
        """Evaluate what waits: anchors, and designs whose process was killed."""
        while not desk.over and self.study.store.frozen(TrialState.WAITING) and (task := desk.take()):
            try:
                trial = self.study.evaluator.evaluate(task.number, task.spec, {}, task.anchor, self.study.monitor.step)
            except BaseException:
                desk.put_back(task)
                raise
            desk.give(task, trial)

    def _propose(self, desk: Desk, config: StudyConfig) -> None:
        tell = Telling(self.study.store, self.study.monitor)
        with redirect_stdout(sys.stderr), tempfile.TemporaryDirectory(prefix="vitspace-nni-") as folder:
            experiment = self._experiment(config, Path(folder))
            experiment.start(port=_free_port())
            self.study.monitor.note(f"NNI's portal: http://127.0.0.1:{experiment.port}")
            failed = 0
            try:
                while not desk.over and experiment.get_status() not in ("ERROR", "DONE", "STOPPED"):
                    self._run_queued(desk)
                    failed = self._check(experiment, failed, progress=tell() > 0)
                    if experiment.get_status() in ("NO_MORE_TRIAL", "TUNER_NO_MORE_TRIAL") and not self._running():
                        self.study.monitor.note("NNI has no more designs to propose: the space is used up")
                        break
                    time.sleep(_LOOK)
            finally:
                experiment.stop()
        tell()

    def _experiment(self, config: StudyConfig, folder: Path) -> Any:
        import nni
        from nni.experiment import Experiment

        nni.silence_stdout()
        logging.getLogger("nni").setLevel(logging.WARNING)
        url = self.study.url
        place = str(Path(url).resolve()) if "://" not in url else url
        if "://" in url and (file := storage_file(url)):
            place = f"sqlite:///{file.resolve()}"
        facts = (self.study.store.study.study_name, place, self.study.evaluator.command, portable(config))
        (folder / "trial.json").write_text(json.dumps([*facts, str(Path.cwd())]))
        experiment: Any = Experiment("local")
        made = experiment.config
        made.experiment_working_directory = cache_path().parent / "nni"
        made.trial_code_directory = folder
        made.trial_command = shlex.join([sys.executable, "-m", "vitspace.engines._nni_trial", "trial.json"])
        made.trial_concurrency = self.study.workers or 1
        made.max_trial_number = _PROPOSALS * config.trials
        made.search_space = search_space(self.study.space)
        made.tuner.name = TUNERS[config.sampler]
        if config.sampler != "random":
            made.tuner.class_args = {"optimize_mode": "maximize"}
        if config.sampler != "evolution":
            made.tuner.class_args = {**(made.tuner.class_args or {}), "seed": config.seed}
        return experiment

    def _check(self, experiment: Any, failed: int, progress: bool) -> int:
        """Return how many of NNI's processes had failed when a trial was last complete.

        Raises:
            StudyFailedError: too many have since.
        """
        counts = {row["trialJobStatus"]: row["trialJobNumber"] for row in experiment.get_job_statistics()}
        now: int = counts.get("FAILED", 0)
        if now - failed >= FAILURES and not progress:
            logs = cache_path().parent / "nni" / experiment.id / "trials"
            raise StudyFailedError(f"{now - failed} of NNI's processes failed in a row; see {logs}")
        return now if progress else failed

    def _running(self) -> bool:
        return bool(self.study.store.frozen(TrialState.RUNNING))

    def _score(self, spec: Spec, seed: int) -> float:
        return self.study.evaluator.proxy.score(spec, seed, self.study.monitor.step).value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def open_engine(study: OpenStudy) -> NniEngine:
    """Return the engine for a study."""
    return NniEngine(study)
