"""A process that evaluates what another one hands it: ``python -m vitspace.searching.engines._worker FD``.

FD is the number of an open pipe. The first message is the study and the number of threads; each further one is a
job. What is sent back is steps, questions about a rung, and a result for each job.
"""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from vitspace.errors import InputError
from vitspace.machine.devices import computing_on
from vitspace.searching.remote import RemoteStudy, evaluate, remote_evaluator, score
from vitspace.searching.rungs import Point, RungPlace

#: Seconds between two looks whether the process that started this one lives.
_LOOK = 0.5


@dataclass(frozen=True)
class RungsByPipe:
    """Asks the study's process where a design stands at a rung; see `vitspace.searching.rungs.Rungs`."""

    pipe: Connection

    def enter(self, rung: int, point: Point, keep: float) -> RungPlace:
        """Have the design's point stored at a rung, and return its place there.

        Raises:
            UpdateFinishedTrialError: the trial was ended by others meanwhile.
        """
        self.pipe.send(("rung", rung, point, keep))
        place: RungPlace | Exception = self.pipe.recv()
        if isinstance(place, Exception):
            raise place
        return place


def main(pipe: Connection) -> None:
    """Evaluate designs until the pipe is closed."""
    parent = os.getppid()
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    study, threads = pipe.recv()
    try:
        with computing_on(threads):
            remote_evaluator(study)
            with suppress(EOFError, ConnectionError):  # the study's process closed the pipe
                while True:
                    word, *what = pipe.recv()
                    pipe.send(("result", _do(pipe, study, word, what)))
    except InputError as error:
        sys.exit(f"error: {error}")


def _do(pipe: Connection, study: RemoteStudy, word: str, what: list[Any]) -> Any:
    def on_step(done: int, total: int) -> None:
        pipe.send(("step", done, total))

    if word == "evaluate":
        number, spec, anchor = what
        return evaluate(study, number, spec, anchor, on_step, RungsByPipe(pipe))
    try:
        spec, seed = what
        return score(study, spec, seed, on_step)
    except Exception as error:
        # As of a trial: whatever a design does to its evaluation, the study goes on.
        return RuntimeError(str(error))


def end_with(parent: int) -> None:
    """End this process, whatever it does, once the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
