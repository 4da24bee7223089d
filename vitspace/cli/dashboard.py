"""vitspace dashboard."""

import typer

from vitspace.cli import command
from vitspace.cli.options import STORAGE


@command
def dashboard(
    study: str = typer.Argument(None, help="A stored study to open first. (default: none)"),
    storage: str = STORAGE,
    host: str = typer.Option("127.0.0.1", help="Address to listen on."),
    port: int = typer.Option(8080, min=1, max=65535, help="Port to listen on."),
) -> None:
    """Serve the Optuna dashboard on the stored studies, until Ctrl-C; a named study gets a note and figures."""
    from vitspace.report.dashboard import serve

    serve(storage, study, host, port)
