"""Journal: Optuna's journal file, appended to so that a killed writer or a full disk spoils nothing.

Optuna's own backend locks with a link that a killed holder leaves behind for half a minute, and appends behind whatever
is there. Here the kernel holds the lock, so that it ends with its process; what a killed writer left of a line is
dropped before the next is written; and a line that cannot be written whole is taken back.
"""

import fcntl
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from vitspace.errors import InputError

_BLOCK = 1 << 16
#: How every record of a journal begins, and an SQLite database.
_RECORD, _SQLITE = b'{"op_code"', b"SQLite format 3"
_log = logging.getLogger(__name__)


class JournalFile(JournalFileBackend):
    """A journal file that several processes of one host write.

    Args:
        path: The file; it is made where it is not there.

    Raises:
        InputError: the file is something else.
        OSError: it cannot be read or made.
    """

    def __init__(self, path: Path) -> None:
        _check_ours(path)
        super().__init__(str(path))
        self.path = path
        self._held = threading.local()
        if not _whole(path):
            with _locked(path) as file:
                _mend(file, path)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append one line for each log, all of them or none.

        Raises:
            OSError: the disk is full, or the file cannot be written.
        """
        if (held := getattr(self._held, "logs", None)) is not None:
            held.extend(logs)
            return
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with _locked(self.path) as file:
            end = _mend(file, self.path)
            try:
                _write(file, lines.encode())
            except OSError:
                file.truncate(end)
                raise

    @contextmanager
    def batched(self) -> Iterator[None]:
        """Append what this thread writes within at its end, all lines by one write to the disk.

        Raises:
            OSError: as `append_logs` does.
        """
        self._held.logs = []
        try:
            yield
        finally:
            logs, self._held.logs = self._held.logs, None
            if logs:
                self.append_logs(logs)


def _check_ours(path: Path) -> None:
    """Refuse a file of another kind, of which nothing may be changed."""
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(len(_SQLITE))
    if start == _SQLITE:
        raise InputError(f"a path as a storage is a journal file, but {str(path)!r} is SQLite's: say sqlite:///{path}")
    if not start.startswith(_RECORD[: len(start)]):
        raise InputError(f"a path as a storage is a journal file, but {str(path)!r} holds something else")


def _locked(path: Path) -> FileIO:
    """Open a file for reading and writing; the lock ends when it is closed, or when the process dies."""
    file = FileIO(path, "r+")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _write(file: FileIO, data: bytes) -> None:
    """Write all of the data to the disk; a nearly full one takes a part of it before it says so."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
    os.fsync(file.fileno())


def _whole(path: Path) -> bool:
    with path.open("rb") as file:
        return not file.seek(0, os.SEEK_END) or os.pread(file.fileno(), 1, file.tell() - 1) == b"\n"


def _mend(file: FileIO, path: Path) -> int:
    """Drop an incomplete last line and return where the file ends then; the file is positioned there."""
    end = file.seek(0, os.SEEK_END)
    if not end or os.pread(file.fileno(), 1, end - 1) == b"\n":
        return end
    cut = 0
    for start in range(max(0, end - _BLOCK), -_BLOCK, -_BLOCK):
        newline = os.pread(file.fileno(), _BLOCK, max(0, start)).rfind(b"\n")
        if newline >= 0:
            cut = max(0, start) + newline + 1
            break
    _log.warning("%s ends in an incomplete record, which is dropped", path)
    file.truncate(cut)
    return file.seek(cut)
