"""vitspace dashboard."""

import socket
import sys

import typer

from vitspace.cli import command
from vitspace.cli.options import STORAGE
from vitspace.errors import InputError


@command
def dashboard(
    study: str = typer.Argument(None, help="A stored study; without one, all of them."),
    storage: str = STORAGE,
    host: str = typer.Option("127.0.0.1", help="Address to listen on."),
    port: int = typer.Option(8080, min=1, max=65535, help="Port to listen on."),
) -> None:
    """Open the Optuna dashboard on the stored studies, until Ctrl-C; a study named gets its note and figures."""
    from optuna_dashboard import run_server

    from vitspace.report.dashboard import InWords, artifact_store, attach
    from vitspace.study.storage import open_storage
    from vitspace.study.store import StudyStore

    _check_free(host, port)
    opened, artifacts, path = open_storage(storage, create=False), artifact_store(), ""
    if study:
        stored = StudyStore.load(opened, study)
        print(f"drawing the figures of {study}", file=sys.stderr, flush=True)
        attach(stored, artifacts)
        path = f"studies/{stored.study_id}"
    print(f"dashboard: http://{host}:{port}/dashboard/{path}", file=sys.stderr, flush=True)
    run_server(InWords(opened), host, port, artifact_store=artifacts)


def _check_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(f"a dashboard needs a free port, but {host}:{port} is not: {error.strerror}") from None
