"""Folders of work: one process at a time owns one, it is filled whole, and what a killed process left is cleared."""

import ctypes
import errno
import fcntl
import logging
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO

from vitspace.errors import InputError, shown
from vitspace.locks import holders, take

#: The file that the owner of a folder holds locked.
LOCK = ".vitspace.lock"
_OWNER = re.compile(r"process \d+ on [\w.-]+")
#: Of renameat2(2): paths are of the current folder, and two of them change places.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
_STEM = 40
#: Bytes that are written to see whether a folder can be, and what says that its disk is full.
_PROBE, _FULL = 1 << 16, (errno.ENOSPC, errno.EDQUOT)
_log = logging.getLogger(__name__)
#: Descriptors of held locks, which a forked process does not keep: they are to end with this one.
_held: set[int] = set()


@contextmanager
def owning(folder: Path | None, what: str = "a report", patience: float = 0.0) -> Iterator[None]:
    """Own a folder within, made if need be; what a killed owner left is finished or removed first.

    Args:
        folder: The folder; of None nothing is owned.
        what: What is made in it, for errors.
        patience: Seconds for which another owner is waited for.

    Raises:
        InputError: another process owns it, which is named; or it cannot be written.
    """
    if folder is None:
        yield
        return
    missing = [each for each in (folder, *folder.absolute().parents) if not each.exists()]
    with writing(folder, what):
        _restore(folder.resolve())
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with owned(folder / LOCK, f"{what} in {str(folder)!r}", patience):
            _finish(folder)
            yield
    finally:
        for each in missing:
            with suppress(OSError):  # what is not empty stays
                each.rmdir()


@contextmanager
def owned(lock: Path, what: str, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock's file within, in which this process and its host are named; afterwards it is removed.

    Raises:
        InputError: another process holds it, which is named; or it cannot be written.
    """
    with writing(lock.parent, what):
        file = _taken(lock, what, patience)
    _held.add(file.fileno())
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        _held.discard(file.fileno())
        file.close()


@contextmanager
def writing(folder: Path, what: str = "a report") -> Iterator[None]:
    """Write a folder within.

    Raises:
        InputError: the system refuses it.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{what} needs a folder that can be written, but got {shown(str(folder))}: {error}") from None


def contents(folder: Path) -> list[Path]:
    """Return what a folder holds, without its lock and temporary files."""
    return [each for each in folder.iterdir() if each.name != LOCK and not _is_temporary(each)]


@contextmanager
def temporary(path: Path, folder: bool = False) -> Iterator[Path]:
    """Make a file or folder beside ``path`` that is removed at the end if it is still there.

    Those that killed processes left for the same path are removed first.
    """
    _clear(path)
    prefix, suffix = f".{path.stem[:_STEM]}.", f".new{path.suffix}"
    if folder:
        made = Path(tempfile.mkdtemp(dir=path.parent, prefix=prefix, suffix=suffix))
        handle = os.open(made, os.O_RDONLY)
    else:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=suffix)
        made = Path(name)
    try:
        _held.add(handle)
        with suppress(OSError):  # without locks nobody takes it for a killed process's, either
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield made
    finally:
        _remove(made)
        _held.discard(handle)
        os.close(handle)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of ``path`` at the end; on an error it is removed.

    A folder that is there is replaced, at once where the system can exchange two folders; an empty one, which may be
    the current folder or a mount, is filled.
    """
    if path.is_dir() and not contents(path):
        with whole_files(path) as made:
            yield made
        return
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary(path, folder=True) as beside:
        made = beside / "made"
        made.mkdir()
        yield made
        if (path / LOCK).exists():
            with suppress(OSError):  # a file system without links
                (made / LOCK).hardlink_to(path / LOCK)
        if not path.exists():
            made.rename(path)
        elif not _exchange(made, path):
            path.rename(beside / "former")
            made.rename(path)


@contextmanager
def whole_files(path: Path) -> Iterator[Path]:
    """Yield a temporary folder whose files are moved into ``path`` at the end; on an error none is.

    Files of the same names are replaced, others in ``path`` stay. If the process is killed while they are moved, the
    next one that fills the folder moves the rest.
    """
    path.mkdir(parents=True, exist_ok=True)
    _finish(path)
    with temporary(path / "files", folder=True) as new:
        yield new
        whole = new.with_suffix(".whole")
        new.rename(whole)
        try:
            _move(whole, path)
        except OSError:
            shutil.rmtree(whole, ignore_errors=True)
            raise


def check_folder(out: Path, what: str = "a report") -> Path:
    """Return a folder, made or not, if it can be written and its disk is not full.

    Raises:
        InputError: it cannot.
    """
    parent = next((path for path in (out, *out.absolute().parents) if path.exists()), Path.cwd())
    try:
        with temporary(parent / "probe") as probe:  # permissions say nothing to root, nor of /proc
            probe.write_bytes(bytes(_PROBE))
    except OSError as error:
        why = f": {error.strerror}" if error.errno in _FULL else ""
        raise InputError(f"{what} needs a folder that can be written, but {str(parent)!r} is none{why}") from None
    return out


def note_replaced(page: Path, text: str) -> None:
    """Log what a page with another first line showed, which is about to be replaced by a text."""
    try:
        with page.open(encoding="utf-8", errors="replace") as file:
            former = file.readline(1000).strip(" \n#*")
    except OSError:  # there is none
        return
    if former and former != text.partition("\n")[0].strip(" \n#*"):
        _log.warning("%s held another report, %r, which is replaced", page.parent, former[:200])


def _taken(lock: Path, what: str, patience: float) -> IO[str]:
    while True:
        file = lock.open("a+", encoding="utf-8")
        try:
            had = take(file, fcntl.LOCK_EX, patience, what)
        except OSError as error:
            _log.warning("%s cannot be locked (%s), so that nobody is kept from working there, too", lock.parent, error)
            return file
        if not had:
            file.seek(0)
            said = _OWNER.match(file.read(200))
            owner = said.group() if said else holders(file)
            file.close()
            raise InputError(
                f"one process at a time makes {what}, but {owner} does; wait for it, or name another folder"
            )
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                file.truncate(0)
                file.write(f"process {os.getpid()} on {platform.node()}\n")
                file.flush()
                return file
        file.close()  # its owner removed it meanwhile


def _is_temporary(path: Path) -> bool:
    return bool(re.fullmatch(r"\..*\.[a-z0-9_]{8}\.(new|whole)(\..+)?", path.name))


def _left(path: Path, kind: str) -> Iterator[Path]:
    """Give the temporary files and folders for ``path`` whose process is dead, each locked meanwhile."""
    for found in sorted(path.parent.glob(f".{escape(path.stem[:_STEM])}.????????.{kind}")):
        try:
            handle = os.open(found, os.O_RDONLY)
        except OSError:  # it was removed meanwhile, or is not ours
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process lives, or that cannot be told
            continue
        else:
            yield found
        finally:
            os.close(handle)


def _clear(path: Path) -> None:
    for found in _left(path, f"new{escape(path.suffix)}"):
        _remove(found)


def _finish(folder: Path) -> None:
    """Move the rest of the files that a killed process was moving into a folder, and remove those not yet whole."""
    for found in _left(folder / "files", "whole"):
        _move(found, folder)
    for found in sorted(folder.iterdir()):
        if _is_temporary(found) and (match := re.match(r"\.(.*)\.[a-z0-9_]{8}\.new(\..+)?$", found.name)):
            _clear(folder / f"{match[1]}{match[2] or ''}")


def _restore(path: Path) -> None:
    """Put a folder back that a killed process moved away for another one, and remove what it left beside it."""
    for found in _left(path, f"new{escape(path.suffix)}"):
        if (found / "former").is_dir() and not path.exists():
            (found / "former").rename(path)
        _remove(found)


def _move(whole: Path, path: Path) -> None:
    for file in sorted(whole.iterdir()):
        file.replace(path / file.name)
    whole.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places at once; False where the system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _let_go() -> None:
    """Close the locks of the process that this one was forked from."""
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)
