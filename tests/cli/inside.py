"""The command line, run in this process: what it printed on each stream, and that it ended as it should."""

import contextlib
import io
import os
import signal
import sys
from dataclasses import dataclass

import pytest

from vitspace.cli import main

SMALL = """
family: msg
resolution: 64
axes:
  dim: {values: [8, 16], scale: [1, 2, 4, 8]}
  depth: [1, 2]
  head_dim: [8]
  mlp_ratio: [1, 2]
"""


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


def vitspace(*args, cwd, check=0):
    """Run `vitspace ARGS` in a folder; its exit code is to be ``check``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["vitspace", *args])
        patch.setitem(os.environ, "COLUMNS", "160")
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        stack.enter_context(_signals_kept())
        with pytest.raises(SystemExit) as ended:
            main()
    done = Done(out.getvalue(), err.getvalue())
    assert (ended.value.code or 0) == check, done.stderr
    return done


@contextlib.contextmanager
def _signals_kept():
    """Leave signals to pytest afterwards."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
