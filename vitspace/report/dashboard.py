"""What a stored study shows in Optuna's dashboard: a note, our figures, and trials in words.

Note and figures are kept where the dashboard looks for them. The words are put in the place of what is stored when the
dashboard asks, and change nothing.
"""

import atexit
import copy
import logging
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta, upload_artifact
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState
from optuna_dashboard import get_note, run_server, save_note

from vitspace.cache import cache_folder
from vitspace.errors import InputError
from vitspace.folders import check_folder
from vitspace.plots import style
from vitspace.plots.formats import escaped, fenced, markdown
from vitspace.plots.frame import save_figure
from vitspace.report.figures import figures
from vitspace.report.markdown import front_in_words
from vitspace.report.names import trial_name
from vitspace.report.settings import settings
from vitspace.report.words import headline, proxy_sentence
from vitspace.statistics import finite
from vitspace.study.optuna_private import trial_id
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE, RetryingStorage, open_storage
from vitspace.study.store import StudyStore, has_result, read_trial
from vitspace.study.trial import Trial

_log = logging.getLogger(__name__)

#: Ends our note; a note without it is its reader's, and stays.
SIGNED = "*Written by `vitspace dashboard` anew at each start; delete this line to keep a note of your own.*"


def serve(storage: str = DEFAULT_STORAGE, study: str | None = None, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve Optuna's dashboard on the stored studies, until Ctrl-C.

    Args:
        storage: A journal file, a database URL, or ``grpc://HOST:PORT``.
        study: The study that gets its note and figures, and is shown first; None is none.
        host: Address to listen on.
        port: Port to listen on.

    Raises:
        InputError: there is no such storage or study, or the port is not free.
    """
    _check_free(host, port)
    opened, artifacts, path = open_storage(storage, create=False), artifact_store(), ""
    if study:
        stored = StudyStore.load(opened, study)
        _log.info("drawing the figures of %s", study)
        attach(stored, artifacts)
        path = f"studies/{stored.study_id}"
    _log.info("dashboard: http://%s:%d/dashboard/%s", host, port, path)
    run_server(InWords(opened), host, port, artifact_store=artifacts)


def _check_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(f"a dashboard needs a free port, but {host}:{port} is not: {error.strerror}") from None


def artifact_store() -> FileSystemArtifactStore:
    """Return where figures are kept: a folder of the cache, or where it cannot be written one that ends with us."""
    folder = cache_folder() / "artifacts"
    try:
        check_folder(folder, "a dashboard")
        folder.mkdir(parents=True, exist_ok=True)
    except (InputError, OSError) as error:
        folder = Path(tempfile.mkdtemp(prefix="vitspace-dashboard-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _log.warning("%s; figures are kept in %s until it ends", error, folder)
    return FileSystemArtifactStore(folder)


def attach(stored: StudyStore, artifacts: FileSystemArtifactStore) -> None:
    """Give a study its note and its figures; those of an earlier start are replaced."""
    record, study = stored.record(), stored.study
    note, text = get_note(study), note_text(record)
    if (not note or note.endswith(SIGNED)) and note != text:
        save_note(study, text)
    known = {meta.filename: meta.artifact_id for meta in get_all_artifact_meta(study)}
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in figures(record).items():
            path, _ = save_figure(figure.draw(record, style.WIDE), Path(folder) / name)
            if path.name in known:
                with path.open("rb") as content:
                    artifacts.write(known[path.name], content)
            else:
                upload_artifact(artifact_store=artifacts, file_path=str(path), study_or_trial=study)


def note_text(record: StudyRecord) -> str:
    """What the study asked and found, as Markdown."""
    command = record.resolved.get("command")
    parts = [
        f"## {record.name}",
        escaped(headline(record).removeprefix(f"{record.name}: ")),
        escaped(proxy_sentence(record)),
        fenced(command) if command else "",
        f"### The front\n\n{markdown(front_in_words(record))}" if record.front else "",
        SIGNED,
    ]
    return "\n\n".join(part.strip() for part in parts if part)


class InWords(RetryingStorage):
    """A storage whose trials have attributes that a person reads; all else is the storage's own."""

    def __init__(self, inner: BaseStorage) -> None:
        super().__init__(inner)
        self._ended: dict[int, FrozenTrial] = {}

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: tuple[TrialState, ...] | None = None
    ) -> list[FrozenTrial]:
        """Return a study's trials, in words."""
        trials = self.inner.get_all_trials(study_id, deepcopy=False, states=states)
        return [self._shown(trial) for trial in trials]

    def _shown(self, stored: FrozenTrial) -> FrozenTrial:
        if trial_id(stored) in self._ended:
            return self._ended[trial_id(stored)]
        shown = copy.copy(stored)
        shown.user_attrs = attributes(read_trial(stored)) if has_result(stored) else {}
        if stored.state.is_finished():
            self._ended[trial_id(stored)] = shown
        return shown


def attributes(trial: Trial) -> dict[str, Any]:
    """A trial as names and values; numbers stay numbers, so that the dashboard sorts by them."""
    spec = settings(trial.spec) if trial.spec else {}
    accuracy = finite(trial.details.get("accuracy"))
    shown = {
        "design": trial_name(trial),
        "family": spec.pop("family", None),
        "published": "yes" if trial.anchor else None,
        "outcome": trial.state.replace("_", " "),
        "reason": trial.why,
        "channels": spec.pop("dim", None),
        "blocks": spec.pop("depth", None),
        "settings": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in spec.items()),
        "params, M": _rounded(trial.params, 1e6),
        "FLOPs, G": _rounded(trial.macs, 1e9),
        "CPU latency, ms": _rounded(finite(trial.latency_ms)),
        **_scores(trial),
        "proxy accuracy, %": _rounded(accuracy, 0.01),
        "seconds": _rounded(finite(trial.seconds)),
        "seed": trial.seed,
        "host": (trial.details.get("host") or {}).get("host"),
    }
    return {name: value for name, value in shown.items() if value not in (None, "")}


def _scores(trial: Trial) -> dict[str, Any]:
    """A trial's score under the name of what it is."""
    if not trial.estimate:
        return {"score": _rounded(finite(trial.score))}
    return {
        "top-1, % (estimate)": None if trial.published_top1 is not None else _rounded(finite(trial.score)),
        "standard deviation, points": _rounded(finite(trial.score_std)),
        "top-1, % (published)": trial.published_top1,
        "proxy score": _rounded(finite(trial.proxy_score)),
    }


def _rounded(value: float | None, unit: float = 1.0) -> float | None:
    return None if value is None else float(f"{value / unit:.4g}")
