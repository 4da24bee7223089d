"""NNI's experiment as the engine sees it: started, looked at, stopped; where it stops on its own it says so."""

import logging
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitspace.searching.engines._lazy import Lazy

nni: Any = Lazy("nni")
experiment: Any = Lazy("nni.experiment")
launcher: Any = Lazy("nni.experiment.launcher")
requests: Any = Lazy("requests")
#: Seconds for which NNI's server may take to start; its own 3 are too few on a busy machine.
_STARTING = 60
#: Seconds for which the experiment may not answer.
_PATIENCE = 60.0
#: Seconds without a process after which none is to come: NNI looks every 5 whether one may be started.
_SETTLED = 12.0


class BreakdownError(RuntimeError):
    """The experiment does not go on; the message says why."""


@dataclass(frozen=True)
class ExperimentState:
    """What an experiment answered.

    Attributes:
        used_up: Whether its tuner has no further proposal and no process runs.
        failed: How many of its processes have failed.
    """

    used_up: bool
    failed: int


class Experiment:
    """An experiment of NNI's local training service, running while it is entered.

    Args:
        settings: Fields of NNI's configuration.
        tuner: Its tuner's name.
        arguments: The tuner's arguments.
    """

    def __init__(self, settings: dict[str, Any], tuner: str, arguments: dict[str, Any]) -> None:
        nni.silence_stdout()
        logging.getLogger("nni").setLevel(logging.ERROR)
        launcher._check_rest_server.__defaults__ = (_STARTING, None)
        self._inner = experiment.Experiment("local")
        for name, value in settings.items():
            setattr(self._inner.config, name, value)
        self._inner.config.tuner.name, self._inner.config.tuner.class_args = tuner, arguments
        self._answered = time.monotonic()
        self._idle_since: float | None = None

    def __enter__(self) -> "Experiment":
        try:
            self._inner.start(port=_free_port())
        except Exception as error:
            # Its server, its tuner and its database each fail in their own way, most often as a machine is overloaded.
            self._inner.stop()
            raise BreakdownError(f"it does not start: {error}") from error
        self._answered = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.stop()

    @property
    def portal(self) -> str:
        """The address of its web portal."""
        return f"http://127.0.0.1:{self._inner.port}"

    @property
    def folder(self) -> Path:
        """Where its logs are."""
        return Path(self._inner.config.experiment_working_directory) / self._inner.id

    def look(self) -> ExperimentState | None:
        """Return how it is, or None where it does not answer just now.

        Raises:
            BreakdownError: it does not answer any more, or it says that it stopped.
        """
        try:
            status = self._inner.get_status()
            counts = {row["trialJobStatus"]: row["trialJobNumber"] for row in self._inner.get_job_statistics()}
        except requests.RequestException as error:
            if time.monotonic() - self._answered > _PATIENCE:
                raise BreakdownError(f"it does not answer: {error}") from error
            return None
        self._answered = time.monotonic()
        if status in ("ERROR", "STOPPING", "STOPPED"):
            raise BreakdownError(f"its status is {status}; see {self.folder / 'log'}")
        return ExperimentState(self._used_up(status, counts), counts.get("FAILED", 0))

    def _used_up(self, status: str, counts: dict[str, int]) -> bool:
        # A process that starts has stored nothing yet, so that NNI is asked and not the store.
        if status == "DONE":
            return True
        busy = any(counts.get(name) for name in ("WAITING", "RUNNING", "UNKNOWN"))
        if busy or status != "TUNER_NO_MORE_TRIAL":
            self._idle_since = None
            return False
        self._idle_since = self._idle_since or time.monotonic()
        return time.monotonic() - self._idle_since >= _SETTLED


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
