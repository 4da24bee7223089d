"""One trial of NNI's, in a process of its own: ``python -m vitspace.searching.engines._nni_trial trial.json``.

The file is a list of `main`'s arguments. NNI's proposal is taken to the desk as any engine's is, so that what is stored
cannot be told from another engine's.
"""

import json
import os
import sys
from pathlib import Path

import nni

from vitspace import interrupts
from vitspace.searching.desk import Desk
from vitspace.searching.engines import OpenStudy
from vitspace.searching.engines._nni_space import result, to_params
from vitspace.searching.remote import open_evaluator
from vitspace.spec import Spec
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


def main(name: str, url: str, command: str, config: str, folder: str) -> None:
    """Evaluate one proposal and report it.

    Args:
        name: The study's name.
        url: Its storage.
        command: The command line that runs it, for the record.
        config: Its configuration as JSON.
        folder: The folder that command was started in.
    """
    interrupts.install()
    os.chdir(folder)
    store = StudyStore.load(open_storage(url), name)
    evaluator = open_evaluator(config, command)
    study = OpenStudy(store, url, evaluator.space, evaluator)
    proposal = nni.get_next_parameter()
    assert isinstance(proposal, dict)

    def score(spec: Spec, seed: int) -> float:
        return evaluator.proxy.score(spec, seed).value

    trial: Trial | None = None
    with Desk(study, store.config, score) as desk:
        task = desk.take(to_params(evaluator.space, proposal))
        if task is not None:
            try:
                trial = evaluator.evaluate(task.number, task.spec, {}, task.anchor)
            except BaseException:
                desk.put_back(task)
                raise
            desk.give(task, trial)
    nni.report_final_result(result(trial, store.record().reference_point))


if __name__ == "__main__":
    main(*json.loads(Path(sys.argv[1]).read_text()))
