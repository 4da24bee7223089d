"""Measures proxies on published designs, and compares the scores with the published accuracies."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vitspace.fidelity.cards import Card, make_cards
from vitspace.fidelity.figure import write_figures
from vitspace.fidelity.folder import folder_rows, merged, write_folder
from vitspace.fidelity.jobs import FidelityRequest, Job, check_data_of, known_rows, plan, run, without_repeats
from vitspace.fidelity.posterior import posterior_card
from vitspace.fidelity.predicted import predictor_card
from vitspace.folders import check_folder, owning
from vitspace.machine.devices import check_device, computing_on, default_threads
from vitspace.proxies.score_tables import ScoreRow, committed_rows
from vitspace.tracking import Track, untracked
from vitspace.units import format_score
from vitspace.words import plural

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judgement:
    """Report cards of proxies.

    Attributes:
        cards: A report card for each proxy and initialisation.
        rows: The scores from which the cards are made.
    """

    cards: list[Card]
    rows: list[ScoreRow]


def measure_and_judge(
    request: FidelityRequest | None = None,
    device: str = "cpu",
    timeout: float | None = None,
    out: Path | None = None,
    track: Track = untracked,
) -> Judgement:
    """Measure the unknown scores of proxies on published designs, and make the proxies' report cards.

    Each score is stored on this machine when it is measured, so that the same call continues after an interrupt.

    Args:
        request: Proxies, designs, seeds and initialisations; None is every training-free proxy on every design.
        device: Where networks run: cpu, cuda or auto.
        timeout: Seconds after which no further design is measured; 0 measures none, None sets no limit.
        out: Folder of tables, cards and figures; rows that are already in it count, too.
        track: Shows how many designs are scored.

    Raises:
        InputError: the data of a training proxy or the device are not available, or the folder cannot be written.
    """
    request = request or FidelityRequest()
    folder = check_folder(out) if out else None
    with owning(folder):
        return _judged(request, device, timeout, folder, track)


def _judged(
    request: FidelityRequest, device: str, timeout: float | None, folder: Path | None, track: Track
) -> Judgement:
    known = known_rows(request)
    where = str(check_device(device))
    measured = _measured(plan(request, known, where), where, timeout, track)
    rows = merged(folder_rows(folder) if folder else (), known, measured)
    trained = sorted({row.proxy for row in rows if row.trained}) if request.is_general else ()
    cards = make_cards((*request.proxies, *trained), request.inits, rows, _uncommitted(rows))
    if request.updates:
        cards.insert(0, posterior_card(rows, (*request.proxies, *trained)))
    if request.predicts:
        cards.insert(0, predictor_card(rows))
    if folder:
        write_folder(folder, cards, rows)
        write_figures(folder, cards, rows)
    return Judgement(cards, rows)


def _measured(jobs: Sequence[Job], device: str, timeout: float | None, track: Track) -> list[ScoreRow]:
    """Measure jobs, on one thread on the CPU, until the timeout; an interrupt logs how many scores are stored."""
    rows: list[ScoreRow] = []
    try:
        if jobs and timeout != 0:
            check_data_of(jobs)
            jobs = without_repeats(jobs)
        with computing_on(default_threads(device)):
            _measure(jobs, timeout, track, rows)
    except KeyboardInterrupt:
        wanted = sum(len(job.proxies) for job in jobs)
        _log.warning("%d of %d scores were measured and are kept; the same call goes on from there", len(rows), wanted)
        raise
    return rows


def _measure(jobs: Sequence[Job], timeout: float | None, track: Track, rows: list[ScoreRow]) -> None:
    start = time.monotonic()
    for number, job in enumerate(track(jobs, "scoring published designs") if jobs else ()):
        if timeout is not None and time.monotonic() - start >= timeout:
            _log.warning(
                "%s left unscored after %g s; run again to go on", plural(len(jobs) - number, "design"), timeout
            )
            break
        rows += (found := run(job))
        for row in filter(lambda row: row.trained, found):
            value = row.failure if row.value is None else format_score(row.value)
            _log.info(
                "%d of %d: %s, seed %d: %s in %.0f s", number + 1, len(jobs), row.name, row.seed, value, row.seconds
            )


def _uncommitted(rows: Sequence[ScoreRow]) -> frozenset[str]:
    committed = set(committed_rows())
    return frozenset(row.key for row in rows if row not in committed)
