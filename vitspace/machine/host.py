"""The machine and the versions that a number comes from."""

import hashlib
import math
import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vitspace.errors import InputError, shown

LIBRARIES = ("torch", "timm", "optuna", "vitspace")


@cache
def cpu() -> dict[str, Any]:
    """Return the CPU's model, the cores this process may use, and a digest of its instruction sets."""
    model, flags = platform.processor() or platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = [line.split(":", 1) for line in info.read_text().splitlines() if ":" in line]
        named = {key.strip(): value.strip() for key, value in fields}
        model, flags = named.get("model name", model), named.get("flags", "")
    digest = hashlib.sha256(" ".join(sorted(flags.split())).encode()).hexdigest()[:8]
    return {"cpu": model, "cores": len(cores()), "flags": digest}


def cores() -> list[int]:
    """Return the cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def machine() -> dict[str, Any]:
    """Return host, CPU, versions and date, as reports print them."""
    return {
        "host": platform.node(),
        **cpu(),
        "system": f"{platform.system()} {platform.release()}",
        **versions(),
        **revision(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a score may depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


@cache
def revision() -> dict[str, str]:
    """Return the git revision of the checkout that the package lies in; nothing where it lies in none."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        ours = subprocess.run([*git, "ls-files", "--error-unmatch", Path(__file__).name], capture_output=True)
        found = subprocess.run([*git, "describe", "--always", "--dirty"], capture_output=True, text=True)
    except OSError:  # no git
        return {}
    return {"revision": found.stdout.strip()} if ours.returncode == found.returncode == 0 else {}


def fingerprint() -> dict[str, Any]:
    """Return what a latency depends on: the host, its CPU, the versions of Python and torch."""
    return {"host": platform.node(), **cpu(), "python": platform.python_version(), "torch": versions()["torch"]}


def seconds_from_environment(name: str, default: float) -> float:
    """Return the number that a variable holds.

    Raises:
        InputError: it holds none, or one that is below 0 or not finite.
    """
    text = os.environ.get(name, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InputError(f"{name} is a finite number of seconds, not below 0, but got {shown(text)}")
    return seconds
