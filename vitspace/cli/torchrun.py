"""A command that torchrun may have started in several processes."""

import os

from vitspace.cli import command_line


def leads() -> bool:
    """Whether this process speaks for all."""
    return os.environ.get("RANK", "0") == "0"


def typed() -> str:
    """Return what was typed, torchrun included."""
    from vitspace.training.processes import started

    world = started()
    return f"torchrun --nproc-per-node {world} -m {command_line()}" if world > 1 else command_line()
