"""The Optuna engine: ask and tell in this process."""

from dataclasses import dataclass

from vitspace.engines import OpenStudy
from vitspace.engines._desk import Desk
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.rungs import Rungs


@dataclass
class OptunaEngine:
    """Evaluates one design after the other."""

    study: OpenStudy

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs; see `vitspace.engines.Engine`."""
        evaluator, monitor = self.study.evaluator, self.study.monitor
        with Desk(self.study, config, self._score) as desk:
            while not desk.over:
                task = desk.take()
                if task is None:
                    desk.wait()
                    continue
                try:
                    rungs = Rungs(self.study.store, task.running, task.spec)
                    trial = evaluator.evaluate(task.number, task.spec, {}, task.anchor, monitor.step, rungs)
                except BaseException:
                    desk.put_back(task)
                    raise
                desk.give(task, trial)

    def _score(self, spec: Spec, seed: int) -> float:
        return self.study.evaluator.proxy.score(spec, seed, self.study.monitor.step).value


def open_engine(study: OpenStudy) -> OptunaEngine:
    """Return the engine for a study."""
    return OptunaEngine(study)
