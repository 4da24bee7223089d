"""Processes of their own that are ready at once: forked from one that has imported what tests need of them."""

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "pytest",
        "vitspace.api",
        "vitspace.searching.engines.optuna",
        "vitspace.cli.progress",
        "vitspace.machine.quiet",
        "vitspace.supernet",
    ]
)
