"""The folder of a report: all of its files, or none of them."""

import json
import logging
from pathlib import Path

from vitspace.errors import shown
from vitspace.files import parse_json, write_atomic
from vitspace.folders import note_replaced, owning, whole_files, writing
from vitspace.plots import style
from vitspace.plots.formats import markdown
from vitspace.plots.frame import save_figure
from vitspace.report.compare import Comparison
from vitspace.report.comparison_figure import draw_comparison
from vitspace.report.figures import figures
from vitspace.report.markdown import front_in_words, report_text
from vitspace.report.page import comparison_html, page_html
from vitspace.report.printed import study_data
from vitspace.report.study_file import STUDY_FILE
from vitspace.report.tables import front_table, trials_table
from vitspace.study.record import StudyRecord

#: Seconds for which another process that writes the same report is waited for.
PATIENCE = 60.0
_log = logging.getLogger(__name__)


def write_report(record: StudyRecord, out: Path) -> Path:
    """Write the page, report.md, the front, the trials, the study and the figures into a folder, and return it.

    Args:
        record: The study as stored.
        out: The folder; it is made if need be, and files of the same names are replaced.

    Raises:
        InputError: the folder cannot be written.
    """
    with writing(out), owning(out, patience=PATIENCE), whole_files(out) as new:
        _note_replaced(record, out)
        drawn = {name: save_figure(each.draw(record, style.WIDE), new / name) for name, each in figures(record).items()}
        images = {name: paths[0].read_bytes() for name, paths in drawn.items()}
        write_atomic(new / "index.html", page_html(record, images))
        write_atomic(new / "report.md", report_text(record))
        write_atomic(new / "front.csv", front_table(record).to_csv(index=False))
        write_atomic(new / "front.md", markdown(front_in_words(record)))
        write_atomic(new / "trials.csv", trials_table(record).to_csv(index=False))
        write_atomic(new / STUDY_FILE, json.dumps(study_data(record, out), indent=2, allow_nan=False) + "\n")
    return out


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write index.html, report.md, fronts.png, fronts.pdf and studies.csv into a folder, and return it.

    Raises:
        InputError: the folder cannot be written.
    """
    with writing(out), owning(out, patience=PATIENCE), whole_files(out) as new:
        note_replaced(out / "report.md", comparison.text())
        save_figure(draw_comparison(comparison), new / "fronts")
        write_atomic(new / "studies.csv", comparison.table().to_csv(index=False))
        write_atomic(new / "index.html", comparison_html(comparison))
        write_atomic(new / "report.md", comparison.text())
    return out


def _note_replaced(record: StudyRecord, out: Path) -> None:
    """Log which other study's report a folder holds, which is about to be replaced."""
    try:
        former = parse_json((out / STUDY_FILE).read_bytes())["study"]
    except (OSError, ValueError, KeyError, TypeError):  # it holds none
        return
    if former != record.name:
        _log.warning("%s held the report of study %s, which is replaced", out, shown(former))
