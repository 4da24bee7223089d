"""Optuna's journal file, appended to so that a killed writer, a full disk or a stray line spoils nothing.

Optuna's own backend locks with a link that a killed holder leaves behind for half a minute, and appends behind whatever
is there. Here the kernel holds the lock, so that it ends with its process. Every line is checked once, when it is first
read: what stands at the end and is no record is set aside before the next record is written, one within the file is an
error that names it, and blank ones are passed over. A line that cannot be written whole is taken back. Before each
write the end of what was read is compared, so that a file that was cut, replaced or deleted is noticed, and what this
process knows is kept beside it.
"""

import errno
import fcntl
import json
import logging
import os
import shlex
import tempfile
import threading
import time
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

from optuna.storages.journal import JournalFileBackend

from vitspace.errors import InputError
from vitspace.locks import holders, take
from vitspace.study.journal_records import BLANK, START, Counts, read_record
from vitspace.study.passwords import storage_without_password
from vitspace.study.troubles import DamagedError, LostError
from vitspace.units import format_seconds

#: Seconds for which a process that writes is waited for.
PATIENCE = 120.0
_SQLITE = b"SQLite format 3"
#: Bytes of a file that are looked at to tell what it is, of its known end that are compared, and of a line shown.
_BLOCK, _END, _SHOWN = 1 << 16, 256, 60
_log = logging.getLogger(__name__)


class JournalFile(JournalFileBackend):
    """A journal file that several processes of one host write.

    Args:
        path: The file; it is made where it is not there.
        patience: Seconds for which a process that writes is waited for.

    Raises:
        InputError: the file is something else.
        OSError: it cannot be read or made.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        _check_ours(path)
        super().__init__(str(path))
        self.path, self.patience = path, patience
        self._name = storage_without_password(str(path))
        self._held, self._guard = threading.local(), threading.RLock()
        self._starts, self._end, self._counts = [0], b"", Counts()
        self._known, self._packer = b"", zlib.compressobj()
        self._told, self._kept, self._lost = -1, Path(), ""

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Give the records from one on.

        Raises:
            DamagedError: a line within the file is no record.
            LostError: the file was cut, replaced or deleted.
        """
        with self._guard, self._opened("r") as file:
            if self._size(file) > self._starts[-1]:
                with self._locked(file, fcntl.LOCK_SH):
                    self._tell(self._scan(file))
            start = self._starts[log_number_from]
            data = os.pread(file.fileno(), self._starts[-1] - start, start) if start < self._starts[-1] else b""
        yield from (json.loads(text) for line in data.split(b"\n") if (text := line.strip(BLANK)))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append one line for each log, all of them or none.

        Raises:
            DamagedError: a line within the file is no record.
            LostError: the file was cut, replaced or deleted.
            OSError: the disk is full, or the file cannot be written.
        """
        if (held := getattr(self._held, "logs", None)) is not None:
            held.extend(logs)
            return
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        with self._guard, self._opened("r+", lines) as file, self._locked(file, fcntl.LOCK_EX):
            self._size(file, lines)
            end = self._mend(file)
            try:
                _write(file, lines)
            except OSError:
                file.truncate(end)
                raise
            self._scan(file)

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

    @contextmanager
    def _opened(self, mode: str, lines: bytes = b"") -> Iterator[FileIO]:
        if self._lost:
            self._lose(self._lost, lines)
        try:
            file = FileIO(self.path, mode)
        except FileNotFoundError:
            self._lose("its file was deleted meanwhile", lines)
        with file:
            yield file

    @contextmanager
    def _locked(self, file: FileIO, how: int) -> Iterator[None]:
        """Hold the lock of the file within; it ends with the process, too."""
        began = time.monotonic()
        try:
            had = take(file, how, self.patience, f"the journal {self._name}")
        except OSError:
            had = how == fcntl.LOCK_SH  # a file system without locks may be read
            if not had:
                raise
        if not had:
            waited = format_seconds(time.monotonic() - began)
            raise OSError(errno.EAGAIN, f"after {waited} it is still locked by {holders(file)}")
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a process that was forked meanwhile has the open file, too

    def _size(self, file: FileIO, lines: bytes = b"") -> int:
        """Return the file's size, once it is seen to hold what was read of it."""
        size, end = os.fstat(file.fileno()).st_size, self._starts[-1]
        if size < end:
            self._lose("its file was cut short or replaced meanwhile", lines)
        if os.pread(file.fileno(), len(self._end), end - len(self._end)) != self._end:
            self._lose("its file was replaced meanwhile", lines)
        return size

    def _scan(self, file: FileIO) -> bytes:
        """Check the lines that were not read before, and return what stands behind the last record."""
        first = self._starts[-1]
        data = os.pread(file.fileno(), os.fstat(file.fileno()).st_size - first, first)
        try:
            self._check(file, data)
        finally:
            read = self._starts[-1] - first
            self._end = (self._end + data[:read])[-_END:]
        return data[read:]

    def _check(self, file: FileIO, data: bytes) -> None:
        """Check the lines of what is behind the last record, and take note of each record."""
        at, bad = self._starts[-1], None
        for line in data.split(b"\n")[:-1]:
            text, start = line.strip(BLANK), at
            at += len(line) + 1
            if not text:
                continue
            try:
                record = read_record(text)
            except ValueError:
                bad = start if bad is None else bad
                continue
            if bad is not None:
                raise self._damage(file, bad)
            if missing := self._counts.add(record):
                raise DamagedError(
                    f"{self.path}:{_line(file, start)} speaks of {missing}, but no line before it made that: lines "
                    "are lost, and a copy of the file from before is needed"
                )
            if self._counts.repeats(record, text):
                raise DamagedError(
                    f"{self.path}:{_line(file, start)} repeats a line before it, as where a copy of the file was "
                    "appended to it: take the copy out, or use a copy of the file from before"
                )
            if start > self._starts[-1] or not line.startswith(START[:1]):
                _log.warning("%s:%d: what is blank before it is passed over", self._name, _line(file, start))
            self._starts.append(at)
            self._known += self._packer.compress(text + b"\n")

    def _damage(self, file: FileIO, start: int) -> DamagedError:
        line, shown = _line(file, start), os.pread(file.fileno(), _SHOWN, start).partition(b"\n")[0]
        cure = f"sed -i.bak {line}d {shlex.quote(str(self.path))}"
        return DamagedError(
            f"{self.path}:{line} is no record of a journal, but {shown.decode(errors='backslashreplace')!r}; if it is "
            f"a stray line, take it out by: {cure}; else a copy from before is needed"
        )

    def _tell(self, junk: bytes) -> None:
        """Say once that lines at the end are passed over."""
        if junk.rpartition(b"\n")[0].strip(BLANK) and self._told != self._starts[-1]:
            self._told = self._starts[-1]
            _log.warning("%s ends in what is no record of a journal, which is passed over", self._name)

    def _mend(self, file: FileIO) -> int:
        """Take away what stands behind the last record, and return where the file ends then; it is positioned there.

        What a killed writer left of a record is dropped, a record that only lacks its line's end gets it, and all else
        is moved to a file beside.
        """
        junk = self._scan(file)
        if junk.strip(BLANK) and _is_record(junk.rpartition(b"\n")[2]):
            file.seek(0, os.SEEK_END)
            _write(file, b"\n")
            junk = self._scan(file)
        end = self._starts[-1]
        if junk.strip(BLANK):
            if b"\n" not in junk and junk.startswith(START[: len(junk)]):
                _log.warning("%s ends in an incomplete record, which is dropped", self._name)
            else:
                self._set_aside(junk)
        if junk:
            file.truncate(end)
        return file.seek(end)

    def _set_aside(self, junk: bytes) -> None:
        beside = self.path.with_name(f"{self.path.name}.aside")
        with FileIO(beside, "a") as file:
            _write(file, junk if junk.endswith(b"\n") else junk + b"\n")
        _log.warning("%s ended in what is no record of a journal; that is moved to %s.aside", self._name, self._name)

    def _lose(self, what: str, lines: bytes) -> NoReturn:
        """Keep beside the file what this process knows of it, and raise that it is lost."""
        fresh = not self._lost
        self._lost = what
        known = zlib.decompress(self._known + self._packer.copy().flush()) if fresh else b""
        try:
            if not self._kept.name and known + lines:
                self._kept = _spare(self.path)
            if known + lines:
                with FileIO(self._kept, "a") as file:
                    _write(file, known + lines)
        except OSError as error:
            raise LostError(f"{what}, and what this process knew of it cannot be kept: {error}") from None
        if not self._kept.name:
            raise LostError(f"{what}, before this process had read or written anything")
        raise LostError(
            f"{what}; what this process knew of it, {len(self._starts) - 1} records, is kept in {str(self._kept)!r}, "
            "a storage to go on with"
        )


def _check_ours(path: Path) -> None:
    """Refuse a file of another kind, of which nothing may be changed."""
    if not path.exists():
        return
    with path.open("rb") as file:
        block = file.read(_BLOCK)
    if block.startswith(_SQLITE):
        raise InputError(f"a path as a storage is a journal file, but {str(path)!r} is SQLite's: say sqlite:///{path}")
    first = block.lstrip(BLANK)
    if not first.startswith(START[: len(first)]) and b"\n" + START not in block:
        raise InputError(f"a path as a storage is a journal file, but {str(path)!r} holds something else")


def _is_record(line: bytes) -> bool:
    try:
        read_record(line.strip(BLANK))
    except ValueError:
        return False
    return True


def _line(file: FileIO, start: int) -> int:
    """Return the number of the line that begins at a byte."""
    return os.pread(file.fileno(), start, 0).count(b"\n") + 1


def _spare(path: Path) -> Path:
    """Make a new file beside another one, or where its folder is gone in that of temporary files."""
    folder = path.resolve().parent if path.resolve().parent.is_dir() else Path(tempfile.gettempdir())
    for number in count(1):
        beside = folder / f"{path.name}.kept-{os.getpid()}{f'-{number}' if number > 1 else ''}"
        try:
            FileIO(beside, "x").close()
        except FileExistsError:
            continue
        return beside
    raise AssertionError("count ends")


def _write(file: FileIO, data: bytes) -> None:
    """Write all of the data to the disk; a nearly full one takes a part of it before it says so."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
    os.fsync(file.fileno())
