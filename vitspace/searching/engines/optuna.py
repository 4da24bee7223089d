"""The Optuna engine: ask and tell in this process."""

from dataclasses import dataclass

from vitspace.searching.desk import Desk
from vitspace.searching.engines import OpenStudy
from vitspace.searching.rungs import Rungs
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig


@dataclass
class OptunaEngine:
    """Evaluates one design after the other."""

    study: OpenStudy

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs; see `vitspace.searching.engines.Engine`."""
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
