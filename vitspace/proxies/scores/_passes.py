"""Builds a network, runs it on images and on ones, and records what the scores read."""

import time

from vitspace.layers.plain import plain_graph
from vitspace.machine.devices import check_device, seeded
from vitspace.proxies import ProxyError
from vitspace.proxies.scores._evidence import (
    CODES,
    COUNTS,
    FEATURES,
    GRADIENTS,
    JACOBIANS,
    LINEAR,
    PassResults,
    Settings,
)
from vitspace.proxies.scores._functions import no_inplace
from vitspace.proxies.scores._init import initialise
from vitspace.proxies.scores._on_images import run_on_images
from vitspace.proxies.scores._on_ones import run_on_ones
from vitspace.proxies.scores._subjects import Subject

_PASSES = (({FEATURES, JACOBIANS, GRADIENTS, CODES}, run_on_images), ({LINEAR}, run_on_ones))


def gather(subject: Subject, needs: set[str], settings: Settings) -> PassResults:
    """Run the passes that are needed.

    Raises:
        InputError: there is no such device.
    """
    start = time.perf_counter()
    if needs <= {COUNTS}:
        evidence = PassResults(subject, subject.make_on_meta())
        evidence.seconds[COUNTS] = time.perf_counter() - start
        return evidence
    device = check_device(settings.device)
    with seeded(settings.seed, device), plain_graph():
        network = subject.make().to(device)
        initialise(network, settings.init)
        no_inplace(network)
        evidence = PassResults(subject, network.train())
        built = time.perf_counter() - start
        for gives, run in _PASSES:
            if chosen := needs & gives:
                began = time.perf_counter()
                try:
                    run(evidence, chosen, settings)
                except ProxyError as error:
                    evidence.failures |= dict.fromkeys(chosen, str(error))
                evidence.seconds |= dict.fromkeys(chosen, built + time.perf_counter() - began)
    return evidence
