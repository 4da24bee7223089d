"""Host: which machine and which versions a number comes from."""

import hashlib
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

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


@cache
def sources_digest(*folders: str) -> str:
    """Return a digest of the package's modules that lie in or are named as given: what a cached number depends on."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for name in sorted(folders):
        for path in sorted((package / name).glob("*.py")) or [package / f"{name}.py"]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def origin(module: str) -> str:
    """Return a digest of the source file of another package's module, or an empty string for one of ours."""
    if module.startswith("vitspace."):
        return ""
    return hashlib.sha256(Path(str(sys.modules[module].__file__)).read_bytes()).hexdigest()[:12]


def fingerprint() -> dict[str, Any]:
    """Return what a latency depends on: the host, its CPU, the versions of Python and torch."""
    return {"host": platform.node(), **cpu(), "python": platform.python_version(), "torch": versions()["torch"]}
