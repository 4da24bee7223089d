"""The Optuna engine: ask and tell in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field

from vitspace.engines import Monitor, Silent
from vitspace.engines._desk import Desk
from vitspace.evaluate import Evaluator
from vitspace.space import Space
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore


@dataclass
class OptunaEngine:
    """Runs a study until its trials are complete or its time is over, beside whoever else runs it."""

    store: StudyStore
    space: Space
    evaluator: Evaluator
    monitor: Monitor = field(default_factory=Silent)
    check: Callable[[], None] = lambda: None

    def run(self, config: StudyConfig) -> None:
        """Evaluate designs; on Ctrl-C the running one is queued again.

        Raises:
            StudyFailedError: too many trials in a row failed, or were too slow.
            InputError: the space holds no further design within the budget.
        """
        worst = self.evaluator.proxy.worst
        with Desk(self.store, self.space, config, self._score, worst, self.monitor, self.check) as desk:
            while not desk.over:
                task = desk.take()
                if task is None:
                    desk.wait()
                    continue
                try:
                    trial = self.evaluator.evaluate(task.number, task.spec, {}, task.anchor, self.monitor.step)
                except BaseException:
                    desk.put_back(task)
                    raise
                desk.give(task, trial)

    def _score(self, spec: Spec, seed: int) -> float:
        return self.evaluator.proxy.score(spec, seed, self.monitor.step).value
