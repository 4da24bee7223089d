"""The NNI engine: its tuners (tpe, evolution, random) propose, its local training service runs the trials.

Every proposal, also one that is rejected at once, is a fresh process: it imports torch, opens the storage and loads the
proxy's data, which costs 5 to 15 seconds a trial that the other engines spend once. So it is a bridge for those who
want NNI's tuners or its web portal. The anchors, and designs whose process was killed, are evaluated by this process,
since NNI's tuners take no designs from outside. NNI is no longer maintained.
"""

import json
import shlex
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from vitspace.cache import cache_path
from vitspace.errors import StudyFailedError
from vitspace.searching.desk import Desk
from vitspace.searching.engines import OpenStudy
from vitspace.searching.engines._nni_experiment import BreakdownError, Experiment
from vitspace.searching.engines._nni_space import search_space
from vitspace.searching.remote import portable
from vitspace.searching.streaks import FAILURES
from vitspace.searching.telling import Telling
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.storage import anywhere

TUNERS = {"tpe": "TPE", "evolution": "Evolution", "random": "Random"}
#: Proposals for each trial that is to complete; the others are rejected.
_PROPOSALS = 50
#: Experiments in a row that may break down before a trial was complete.
BREAKDOWNS = 3
#: Seconds between two looks at the experiment.
_LOOK = 1.0


@dataclass
class NniEngine:
    """Runs the queued designs itself, then has NNI propose until the study is complete or the space is used up."""

    study: OpenStudy

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs; see `vitspace.searching.engines.Engine`."""
        with Desk(self.study, config, self._score) as desk:
            self._run_queued(desk)
            if not desk.over:
                self._propose(desk, config)

    def _run_queued(self, desk: Desk) -> None:
        """Evaluate what waits: anchors, and designs whose process was killed."""
        while not desk.over and self._waiting() and (task := desk.take()):
            try:
                trial = self.study.evaluator.evaluate(task.number, task.spec, {}, task.anchor, self.study.monitor.step)
            except BaseException:
                desk.put_back(task)
                raise
            desk.give(task, trial)

    def _waiting(self) -> bool:
        return bool(self.study.store.frozen(TrialState.WAITING))

    def _propose(self, desk: Desk, config: StudyConfig) -> None:
        """Run an experiment of NNI's until the study is over, and another where it breaks down."""
        store, monitor = self.study.store, self.study.monitor
        tell, broken = Telling(store, monitor), 0
        with redirect_stdout(sys.stderr), tempfile.TemporaryDirectory(prefix="vitspace-nni-") as folder:
            settings = self._settings(config, Path(folder))
            while not desk.over:
                before = len(store.record().completed)
                try:
                    with Experiment(settings, TUNERS[config.sampler], self._arguments(config)) as experiment:
                        monitor.note(f"NNI's portal: {experiment.portal}")
                        self._watch(experiment, desk, tell)
                    break
                except BreakdownError as error:
                    broken = broken + 1 if len(store.record().completed) == before else 1
                    if broken == BREAKDOWNS:
                        raise StudyFailedError(f"NNI broke down {broken} times in a row, the last: {error}") from None
                    monitor.note(f"NNI broke down: {error}; another experiment goes on, whose tuner starts anew")
        tell()
        self._finish(desk)

    def _watch(self, experiment: Experiment, desk: Desk, tell: Telling) -> None:
        """Look after an experiment until the study is over, or NNI has no more to propose.

        Raises:
            BreakdownError: the experiment stopped on its own.
            StudyFailedError: too many of its processes failed since a trial was last complete.
        """
        failed = 0
        while not desk.over:
            self._run_queued(desk)
            progress, look = tell() > 0, experiment.look()
            if look is not None:
                if look.used_up:
                    return
                failed = look.failed if progress else failed
                if look.failed - failed >= FAILURES:
                    logs = experiment.folder / "trials"
                    raise StudyFailedError(f"{look.failed - failed} of NNI's processes failed in a row; see {logs}")
            time.sleep(_LOOK)

    def _finish(self, desk: Desk) -> None:
        """Evaluate here the designs that NNI proposed while others seemed to fill the study; it proposes none twice."""
        while not desk.over and (self._waiting() or desk.queue_uniform()):
            self._run_queued(desk)
            if self._waiting():
                desk.wait()  # others run what may be the last ones
        if not desk.over:
            self.study.monitor.note("NNI has no more designs to propose: the space is used up")

    def _settings(self, config: StudyConfig, folder: Path) -> dict[str, Any]:
        """Return NNI's settings, and write down in the folder what its processes are told."""
        facts = (
            self.study.store.study.study_name,
            anywhere(self.study.url),
            self.study.evaluator.command,
            portable(config),
        )
        (folder / "trial.json").write_text(json.dumps([*facts, str(Path.cwd())]))
        return {
            "experiment_working_directory": cache_path().parent / "nni",
            "trial_code_directory": folder,
            "trial_command": shlex.join([sys.executable, "-m", "vitspace.searching.engines._nni_trial", "trial.json"]),
            "trial_concurrency": self.study.workers or 1,
            "max_trial_number": _PROPOSALS * config.trials,
            "search_space": search_space(self.study.space),
        }

    def _arguments(self, config: StudyConfig) -> dict[str, Any]:
        """Return the tuner's arguments; one that starts anew does not repeat what the last one proposed."""
        mode = {"optimize_mode": "maximize"} if config.sampler != "random" else {}
        seed = {"seed": config.seed + len(self.study.store.frozen())} if config.sampler != "evolution" else {}
        return mode | seed

    def _score(self, spec: Spec, seed: int) -> float:
        return self.study.evaluator.proxy.score(spec, seed, self.study.monitor.step).value


def open_engine(study: OpenStudy) -> NniEngine:
    """Return the engine for a study."""
    return NniEngine(study)
