"""The cores and the memory that this process may use: those of the machine, within what its control groups allow."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from vitspace.machine.host import cores

_ROOT = Path("/")
#: A limit of this many bytes or more is none: cgroup v1 states "no limit" as a huge number.
_NO_LIMIT = 1 << 60


def usable_cores(root: Path = _ROOT) -> int:
    """Return how many cores this process can keep busy: those of its affinity, within the CPU quota of its cgroups.

    A container that was started with ``--cpus 2`` on a machine of 64 cores has two.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    quotas = [quota for folder in _groups("cpu", root) if (quota := _quota(folder)) is not None]
    return max(1, int(min([float(len(cores())), *quotas])))


def available_memory(root: Path = _ROOT) -> int:
    """Return how many bytes this process and its children may still take: the machine's, within its cgroups' limits.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    left = [room for folder in _groups("memory", root) if (room := _room(folder)) is not None]
    return max(0, min([int(psutil.virtual_memory().available), *left]))


def memory_in_use() -> int:
    """Return how many bytes this process takes."""
    return int(psutil.Process().memory_info().rss)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Give the folders of the cgroups that this process is in, from its own to the outermost; of versions 2 and 1."""
    memberships = root / "proc/self/cgroup"
    if not memberships.exists():
        return
    for line in memberships.read_text().splitlines():
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        top = root / "sys/fs/cgroup" / (controller if names else "")
        inner = top / path.strip("/") if ".." not in path else top
        yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(top) and folder.is_dir())


def _quota(folder: Path) -> float | None:
    """Return a cgroup's CPU quota in cores, or None where it has none."""
    if (both := folder / "cpu.max").exists():
        quota, period = both.read_text().split()
    elif (first := folder / "cpu.cfs_quota_us").exists():
        quota, period = first.read_text(), (folder / "cpu.cfs_period_us").read_text()
    else:
        return None
    return None if quota.strip() in ("max", "-1") else int(quota) / int(period)


def _room(folder: Path) -> int | None:
    """Return the bytes left to a cgroup, what can be dropped from its page cache included; None without a limit."""
    for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        if not (folder / limit).exists() or not (folder / used).exists():
            continue
        most = (folder / limit).read_text().strip()
        if most == "max" or int(most) >= _NO_LIMIT:
            return None
        return int(most) - int((folder / used).read_text()) + _droppable(folder / "memory.stat")
    return None


def _droppable(stat: Path) -> int:
    rows = dict(line.split(" ", 1) for line in stat.read_text().splitlines()) if stat.exists() else {}
    return int(rows.get("total_inactive_file") or rows.get("inactive_file") or 0)
