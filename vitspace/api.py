"""Studies in Python: run one or load one, and look at its trials as data frames."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from vitspace.errors import InputError
from vitspace.plots import style
from vitspace.plots.formats import readable
from vitspace.report import headline, write_report
from vitspace.report.choice import select
from vitspace.report.figures import FIGURES
from vitspace.report.tables import anchors_table, front_table, trials_table
from vitspace.searching.engines import Monitor
from vitspace.searching.run import Place, report_folder
from vitspace.searching.run import search as run
from vitspace.searching.session import Lines
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE, open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial
from vitspace.units import format_score


class Study:
    """A study as it is stored.

    Attributes:
        record: All that is known of it.
    """

    def __init__(self, record: StudyRecord) -> None:
        self.record = record

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
        """Draw one of the report's figures: ``score_flops``, ``score_latency``, ``latency_flops``, ``hypervolume``.

        Raises:
            InputError: there is no such figure.
        """
        if name not in FIGURES:
            raise InputError(f"a figure is one of {', '.join(FIGURES)}, but got {name!r}")
        return FIGURES[name].draw(self.record, style.WIDE)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the report, and return its folder (default: ``reports/<study>``)."""
        return write_report(self.record, Path(out) if out else report_folder(self.name))

    def __repr__(self) -> str:
        short = front_table(self.record)[["number", "name", "gflops", "params_m", "latency_ms", "score"]]
        return f"<Study {headline(self.record)}>\n{readable(short).to_string(index=False)}"

    def _repr_html_(self) -> str:
        shown = readable(front_table(self.record)).to_html(index=False, border=0)
        return f"<p>{headline(self.record)}</p>{shown}"


def load_study(name: str, storage: str = DEFAULT_STORAGE) -> Study:
    """Load a stored study.

    Args:
        name: Its name.
        storage: A journal file, or a database URL.

    Raises:
        InputError: there is no such storage or study.
    """
    return Study(StudyStore.load(open_storage(storage, create=False), name).record(storage))


def search(
    space: str | None = None,
    budget: str | None = None,
    *,
    study: str | None = None,
    storage: str = DEFAULT_STORAGE,
    resume: bool = False,
    out: str | Path | None = None,
    **settings: Any,
) -> Study:
    """Run a study as `vitspace search` does, telling of each trial on standard error, and return it.

    Args:
        space: Name of a space, or a path to its YAML.
        budget: FLOPs (multiply-adds): ``4G``, ``3.5G..4G``.
        study: The study's name; None takes ``<space>-<budget>``, or the next free one after it.
        storage: A journal file, or a database URL.
        resume: Whether a study of that name is gone on with.
        out: The report's folder; None is ``reports/<study>``.
        **settings: Other fields of `StudyConfig`: trials, proxy, data, latency, params, seed, sampler, ...; and
            ``workers``, processes that evaluate at once.

    Raises:
        InputError: a setting breaks a rule; nothing is stored then.
    """
    workers = settings.pop("workers", None)
    given = {name: value for name, value in {"space": space, "budget": budget, **settings}.items() if value is not None}
    place = Place(storage, study, resume, "vitspace.search(...) in Python", workers)
    monitor: Monitor = _Trials()
    record, _ = run(given, place, Path(out) if out else None, monitor)
    return Study(record)


class _Trials(Lines):
    """Tells of each trial as it ends."""

    def ended(self, trial: Trial, record: StudyRecord) -> None:
        """Print a line."""
        score = f"score {format_score(-trial.point[0])}" if trial.complete else f"{trial.state}: {trial.why}"
        self.note(f"{len(record.completed)} of {record.config.trials}: trial {trial.number}, {score}")
