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
from vitspace.machine.devices import computing_on, default_threads
from vitspace.searching.desk import Desk
from vitspace.searching.engines._nni_space import result, to_params
from vitspace.searching.join import join_session
from vitspace.searching.monitor import Silent
from vitspace.searching.work import work_once
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore


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
    store = StudyStore.open(url, name)
    session = join_session(store, StudyConfig.of(json.loads(config)), command, Silent())
    proposal = nni.get_next_parameter()
    assert isinstance(proposal, dict)
    with computing_on(default_threads(session.config.device)), Desk(session, session.score) as desk:
        trial = work_once(desk, session.evaluate, to_params(session.space, proposal))
    nni.report_final_result(result(trial, store.record().reference_point))


if __name__ == "__main__":
    main(*json.loads(Path(sys.argv[1]).read_text()))
