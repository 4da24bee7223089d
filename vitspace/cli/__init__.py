"""The command line. Each command parses, calls one function and prints; heavy imports wait until it runs."""

import functools
import json
import logging
import signal
import sys
from collections.abc import Callable
from typing import Any

import typer

from vitspace.errors import InputError, StudyFailedError

app = typer.Typer(
    name="vitspace",
    help="Architecture search and design-space analysis for efficient vision transformers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command; Ctrl-C and SIGTERM end it with code 130."""
    return app.command()(guarded(function))


def guarded(function: Callable[..., None]) -> Callable[..., None]:
    """Make Ctrl-C and SIGTERM end a command with code 130."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            function(*args, **kwargs)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            raise typer.Exit(130) from None

    return run


def print_json(data: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(data, indent=2))


def main() -> None:
    """Run the command line: exit code 2 and one line for what the user got wrong."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("alembic", "httpx", "matplotlib", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except StudyFailedError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _version(show: bool) -> None:
    if show:
        from vitspace import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None: ...


from vitspace.cli import anchors, dashboard, fidelity, profile, report, search, space, space_study  # noqa: E402, F401 (each registers its commands)

app.add_typer(space.space_app, name="space")
