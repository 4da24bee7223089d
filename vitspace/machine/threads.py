"""How the threads of a process wait for each other, which is settled before torch is loaded.

GNU's OpenMP, which torch computes with on Linux, spins for a while at the end of each operator. Where another program
has taken the core of one thread, all the others spin for it. A short spin costs little where the cores are free.
"""

import os

#: Turns of the loop in which a thread waits before it sleeps; OpenMP's own number is thirty times that, or more.
SPINS = 10_000
_NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def settle_wait_policy() -> None:
    """Have threads sleep soon where they wait for each other, unless the environment says how they do."""
    if not any(name in os.environ for name in _NAMES):
        os.environ["GOMP_SPINCOUNT"] = str(SPINS)


def wait_policy() -> str:
    """Return what the environment says of waiting, as ``GOMP_SPINCOUNT=10000``; an empty string for nothing."""
    return " ".join(f"{name}={os.environ[name]}" for name in _NAMES if name in os.environ)
