"""The command line. Each command parses, calls one function and prints; heavy imports wait until it runs."""

import errno
import functools
import io
import json
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

import typer

from vitspace import __version__
from vitspace.errors import FailureError, InputError, check_text
from vitspace.interrupts import Terminated, install
from vitspace.machine.threads import settle_wait_policy
from vitspace.study.passwords import without_passwords
from vitspace.words import printable

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

#: What helps against errors of a system that has no more of something.
_CURES = {
    errno.EMFILE: "ulimit -n lets more files be open",
    errno.ENFILE: "other programs have too many files open",
    errno.EAGAIN: "ulimit -u lets more processes run; fewer --workers take fewer",
    errno.ENOMEM: "fewer --workers take less memory",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EROFS: "another folder can be written to",
}

#: What typer raises where it cannot read the command line; it exports only those beneath it.
_UsageError: Any = typer.BadParameter.__base__

#: Width in columns of output that no terminal shows.
WIDE = 10_000

app = typer.Typer(
    name="vitspace",
    help="Architecture search and design-space analysis for efficient vision transformers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command; Ctrl-C ends it with code 130, SIGTERM with 143."""
    return app.command()(_interruptible(function))


def command_of(group: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command of a group as `command` does."""
    return lambda function: group.command(name)(_interruptible(function))


def _interruptible(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        install()
        try:
            function(*args, **kwargs)
        except Terminated:
            print("stopped", file=sys.stderr)
            raise typer.Exit(143) from None
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            raise typer.Exit(130) from None

    return run


def say(*parts: object, sep: str = " ", end: str = "\n", file: TextIO | None = None) -> None:
    """Print as `print` does, with what would control the terminal written out: names may be others'."""
    print(*(printable(str(part)) for part in parts), sep=sep, end=end, file=file)


def print_json(data: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(data, indent=2, allow_nan=False))


def refuse(rule: str, beside: dict[str, Any]) -> None:
    """Raise InputError where options were given that would be ignored.

    Args:
        rule: Why they do not apply.
        beside: By option, whether it was given.
    """
    if given := [name for name, value in beside.items() if value]:
        raise InputError(f"{rule}, but got {', '.join(given)} beside it")


def command_line() -> str:
    """Return the command line without passwords, for the record."""
    return "vitspace " + shlex.join(without_passwords(argument, argument) for argument in sys.argv[1:])


def console() -> "Console":
    """Return a console on standard output; lines are not wrapped unless a terminal shows them."""
    from vitspace.cli.screen import Screen

    made = Screen()
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDE
    return made


def track(items: Iterable[T], description: str) -> Iterable[T]:
    """Show a bar on standard error while a function of the library works through its items."""
    from rich.progress import track as bar

    from vitspace.cli.screen import Screen

    return bar(items, description, console=Screen(stderr=True))


def print_table(headings: Iterable[str], rows: Iterable[Sequence[str]], **settings: Any) -> None:
    """Print a table of text, a line for each row; settings as of `vitspace.cli.screen.table`."""
    from vitspace.cli.screen import table

    console().print(table(headings, rows, **settings))


def main() -> None:
    """Run the command line; an error in the input is one line and exit code 2."""
    settle_wait_policy()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error, so that whatever is told is shown
    try:
        for argument in sys.argv[1:]:
            check_text(argument, "an argument")
        with _notes_on_stderr():
            sys.exit(app(standalone_mode=False))
    except _UsageError as error:
        _fail(_usage(error), 2)
    except InputError as error:
        # Of torchrun's processes on this machine, which all fail alike, the first speaks.
        first = os.environ.get("LOCAL_RANK", "0") == "0"
        _fail(str(error) if first else "", 2)
    except FailureError as error:
        _fail(str(error), 1)
    except OSError as error:
        if error.errno not in _CURES:
            raise
        _fail(f"the system refuses a resource: {error}; {_CURES[error.errno]}", 1)


def _fail(why: str, code: int) -> NoReturn:
    """Say what went wrong, where there is something to say, and end."""
    for argument in sys.argv[1:]:
        why = without_passwords(why, argument)
    if why:
        say(f"error: {without_passwords(why)}", file=sys.stderr)
    sys.exit(code)


def _usage(error: Any) -> str:
    """Return what is wrong with a command line, as one line; nothing where a command alone has shown its help."""
    if not (told := " ".join(error.format_message().split())):
        return ""
    path = error.ctx.command_path if error.ctx else "vitspace"
    return f"{told}{'' if told[-1] in '.?!' else '.'} See `{path} --help`."


class _Stderr(logging.StreamHandler):
    """Writes to the current `sys.stderr`: a progress bar replaces it, and prints lines above the bar."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    def format(self, record: logging.LogRecord) -> str:
        return printable(without_passwords(super().format(record)))


@contextmanager
def _notes_on_stderr() -> Iterator[None]:
    """Print the library's log on standard error."""
    root, handler = logging.getLogger(), _Stderr()
    level = root.level
    root.setLevel(logging.INFO)
    for noisy in ("alembic", "httpx", "matplotlib", "fontTools", "onnx_ir", "onnxscript", "torch"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _version(show: bool) -> None:
    if show:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None: ...


# Each module registers its commands.
from vitspace.cli import (  # noqa: E402
    anchors,  # noqa: F401
    dashboard,  # noqa: F401
    export,  # noqa: F401
    fidelity,  # noqa: F401
    latency,  # noqa: F401
    profile,  # noqa: F401
    report,  # noqa: F401
    search,  # noqa: F401
    space,  # noqa: F401
    space_study,  # noqa: F401
    studies,  # noqa: F401
    supernet,  # noqa: F401
    train,  # noqa: F401
    worker,  # noqa: F401
)
