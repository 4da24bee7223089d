"""What Python and the command line call: run a study or load one, and look at its trials as data frames."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from vitspace.errors import InputError, StudyGoneError, shown
from vitspace.folders import check_folder
from vitspace.plots import style
from vitspace.plots.formats import readable
from vitspace.report.choice import select
from vitspace.report.figures import figures
from vitspace.report.folder import write_report
from vitspace.report.peers import peers_table
from vitspace.report.points import score_text
from vitspace.report.study_file import report_folder
from vitspace.report.tables import anchors_table, for_reading, front_shown, front_table, trials_table
from vitspace.report.words import headline
from vitspace.searching.monitor import Lines, Monitor
from vitspace.searching.peers import keep_peers
from vitspace.searching.run import Means, StudyLocation, open_search, run
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE, resume_command
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial


class Study:
    """A study as it is stored.

    Attributes:
        record: All that is known of it.
        folder: Where its report is, or goes unless told otherwise.
    """

    def __init__(self, record: StudyRecord, folder: Path | None = None) -> None:
        self.record, self.folder = record, folder or report_folder(record.name)

    @property
    def name(self) -> str:
        """Its name in the storage."""
        return self.record.name

    @property
    def trials(self) -> pd.DataFrame:
        """Every trial by its number, rejected ones with the reason: costs (G, M, ms), score, state, seconds, seed."""
        return trials_table(self.record).set_index("number")

    @property
    def front(self) -> pd.DataFrame:
        """The front of score, FLOPs and latency by trial number, each design beside the nearest anchor."""
        return front_table(self.record).set_index("number")

    @property
    def anchors(self) -> pd.DataFrame:
        """The family's published designs: what was printed, what was measured here, and how they stand."""
        return anchors_table(self.record)

    @property
    def peers(self) -> pd.DataFrame:
        """Networks of timm beside the designs: costs (G, M, ms), published top-1, how they were trained, source."""
        return peers_table(self.record)

    @property
    def hypervolume(self) -> float:
        """Share of the box under the study's reference point that the front dominates, 0 to 1."""
        return self.record.hypervolume

    def best(self, which: str | int = "best") -> Trial:
        """Return a trial: ``best``, ``knee``, ``cheapest`` or ``fastest`` (see `vitspace report`), or of a number.

        Raises:
            InputError: there is none.
        """
        return select(self.record, which)

    def figure(self, name: str = "score_flops") -> Figure:
        """Draw one of the report's figures.

        ``score_flops``, ``score_latency``, ``latency_flops``, ``hypervolume``; of a study in points also ``check``, the
        proxy's scores.

        Raises:
            InputError: there is no such figure.
        """
        known = figures(self.record)
        if name not in known:
            raise InputError(f"a figure is one of {', '.join(known)}, but got {shown(name)}")
        return known[name].draw(self.record, style.WIDE)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the report, and return its folder (default: ``reports/<study>``)."""
        return write_report(self.record, Path(out) if out else report_folder(self.name))

    def __repr__(self) -> str:
        short = front_table(self.record)[["number", "name", "gflops", "params_m", "latency_ms", "score", "score_std"]]
        shown = readable(for_reading(self.record, short)).to_string(index=False)
        return f"<Study {headline(self.record)}>\n{shown}"

    def _repr_html_(self) -> str:
        shown = readable(front_shown(self.record)).to_html(index=False, border=0)
        return f"<p>{headline(self.record)}</p>{shown}"


def load_study(name: str, storage: str = DEFAULT_STORAGE) -> Study:
    """Load a stored study.

    Args:
        name: Its name.
        storage: A journal file, or a database URL.

    Raises:
        InputError: there is no such storage or study.
    """
    return Study(StudyStore.open(storage, name).record())


def search(
    space: str | None = None,
    budget: str | None = None,
    *,
    study: str | None = None,
    storage: str = DEFAULT_STORAGE,
    resume: bool = False,
    out: str | Path | None = None,
    monitor: Monitor | None = None,
    **settings: Any,
) -> Study:
    """Run a study as `vitspace search` does, and return it; whatever stops it, what was found is reported.

    Args:
        space: Name of a space, or a path to its YAML.
        budget: FLOPs (multiply-adds): ``4G``, ``3.5G..4G``.
        study: The study's name; None takes ``<space>-<budget>``, or the next free one after it.
        storage: A journal file, or a database URL.
        resume: Whether a stored study of that name is resumed.
        out: The report's folder; None is ``reports/<study>``.
        monitor: Shows the progress; None prints a line on standard error for each trial.
        **settings: Other fields of `StudyConfig`: trials, proxy, data, latency, params, seed, sampler, ...; and those
            of `Means`: ``workers``, how many designs are evaluated at once.

    Raises:
        InputError: a setting breaks a rule; nothing is stored then.
        StudyFailedError: too many trials in a row failed, or the storage cannot be used.
    """
    monitor = monitor or _Trials()
    named = {name: settings.pop(name) for name in [each.name for each in fields(Means)] if name in settings}
    means = Means(**{"command": "vitspace.search(...) in Python"} | named)
    given = {name: value for name, value in {"space": space, "budget": budget, **settings}.items() if value is not None}
    check_folder(Path(out) if out else report_folder(study or ""))
    store, session = open_search(given, StudyLocation(storage, study, resume), means, monitor)
    folder = Path(out) if out else report_folder(store.name)
    try:
        if session is not None:
            run(session)
        keep_peers(store, monitor.note, given.get("peers"))
    except StudyGoneError:
        raise
    except BaseException:
        _report_so_far(store, folder, monitor)
        raise
    record = store.record()
    return Study(record, write_report(record, folder))


def _report_so_far(store: StudyStore, folder: Path, monitor: Monitor) -> None:
    """Report what a study found until it was stopped, and say how to go on."""
    try:
        report = write_report(store.record(), folder)
        monitor.note(f"study {store.name} is stored, report so far: {report}")
    except Exception as error:
        # What stopped the study may keep its report from being written; the study's own error is raised afterwards.
        monitor.note(f"study {store.name} is stored as far as it went, but its report cannot be written: {error}")
    monitor.note(f"to go on: {resume_command(store.name, store.url)}")


class _Trials(Lines):
    """Tells of each trial as it ends."""

    def ended(self, trial: Trial, record: StudyRecord) -> None:
        """Print a line."""
        score = score_text(record, trial) if trial.complete else f"{trial.state}: {trial.why}"
        self.note(f"{len(record.counted)} of {record.config.trials}: trial {trial.number}, {score}")
