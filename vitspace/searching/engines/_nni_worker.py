"""A process that serves NNI's trials: ``python -m vitspace.searching.engines._nni_worker FD FILE``.

FD is the number of an open socket at which the trials (`vitspace.searching.engines._nni_trial`) knock; the file is a
list of `serve`'s other arguments. NNI's proposal is taken to the desk as any engine's is, so that what is stored cannot
be told from another engine's.
"""

import json
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

import requests
from nni.runtime.trial_command_channel.v3 import TrialCommandChannelV3

from vitspace import interrupts
from vitspace.errors import InputError
from vitspace.machine.devices import computing_on, default_threads
from vitspace.searching.desk import Desk
from vitspace.searching.engines._nni_space import result, to_params
from vitspace.searching.engines._nni_trial import DONE
from vitspace.searching.engines._worker import end_with
from vitspace.searching.join import open_session
from vitspace.searching.monitor import Monitor
from vitspace.searching.session import Session
from vitspace.searching.work import work_once
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore


def serve(door: socket.socket, name: str, url: str, command: str, config: str) -> None:
    """Evaluate one trial's proposal after the other until this process is ended.

    Args:
        door: The socket at which trials knock.
        name: The study's name.
        url: Its storage.
        command: The command line that runs it, for the record.
        config: Its configuration as JSON.

    Raises:
        InputError: something of the study's is missing here.
    """
    session = open_session(StudyStore.open(url, name), StudyConfig.of(json.loads(config)), command, Monitor())
    with computing_on(default_threads(session.config.device)):
        while True:
            trial, _ = door.accept()
            with trial, trial.makefile() as lines:
                channel, job = (line.strip() for line in (lines.readline(), lines.readline()))
                if job and _evaluate(session, channel, job):
                    with suppress(OSError):  # the trial was cancelled; its design is stored
                        trial.sendall(DONE)


def _evaluate(session: Session, url: str, job: str) -> bool:
    """Evaluate what NNI proposes for a trial, and report the result to NNI; False where NNI is gone."""
    try:
        channel = TrialCommandChannelV3(url)
        proposal = channel.receive_parameter()
        if proposal is None:
            return False
        with Desk(session, session.score) as desk:
            trial = work_once(desk, session.evaluate, to_params(session.space, proposal["parameters"]))
        record = session.store.record()
        value = result(trial, record.ideal, record.reference_point)
        channel.send_metric("FINAL", proposal["parameter_id"], job, 0, value)
    except requests.RequestException:
        return False
    return True


def main(fd: str, file: str) -> None:
    """Serve until this process is ended, by the one that started it or with it."""
    interrupts.install()
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    with suppress(KeyboardInterrupt), socket.socket(fileno=int(fd)) as door:
        try:
            serve(door, *json.loads(Path(file).read_text()))
        except InputError as error:
            sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
