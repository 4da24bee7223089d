"""vitspace report."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import command, print_json, say
from vitspace.cli.options import JSON, PEERS, STORAGE
from vitspace.errors import InputError
from vitspace.words import plural

if TYPE_CHECKING:
    from vitspace.study.record import StudyRecord

_log = logging.getLogger(__name__)


@command
def report(
    studies: list[str] = typer.Argument(
        help="A stored study, or a report's folder such as reports/msg-4G. Several studies are compared."
    ),
    select: str = typer.Option(
        None,
        help="Print one design instead: knee, cheapest, fastest, best or a trial's number, and why it was rejected if "
        "it was; and commands to go on.",
    ),
    peers: str = PEERS,
    storage: str = STORAGE,
    out: Path = typer.Option(None, help="The report's folder. (default: reports/STUDY; reports/compare for several)"),
    as_json: bool = JSON,
) -> None:
    """Write a study's report anew, compare several studies, or print one design of a study.

    With --json, a report that shows the study as it is stored is not drawn again.
    """
    if peers is not None and (select is not None or len(studies) > 1):
        raise InputError("--peers stand in the report of one study, and neither beside --select nor in a comparison")
    if len(studies) > 1:
        if select is not None:
            raise InputError(f"--select picks a design of one study, but got {plural(len(studies), 'study')}")
        compare_studies(studies, storage, out or Path("reports/compare"), as_json)
        return
    from vitspace.report.sources import find_studies, is_report
    from vitspace.report.study_file import report_folder

    [name] = studies
    stored = not is_report(name)
    if stored and as_json and select is None and peers is None and (kept := _kept(name, storage, out)):
        print_json(kept)
        return
    from vitspace.cli.progress import print_result
    from vitspace.report.folder import write_report
    from vitspace.report.printed import printed_json

    if peers is None:
        [record] = find_studies([name], storage)
    else:
        from vitspace.report.beside import find_beside

        record = find_beside(name, peers, _log.info, storage)
    if select is not None:
        if out:
            raise InputError(f"--select only prints a design and writes no report, but got --out {out}")
        _print_design(record, select, stored, as_json)
        return
    folder = write_report(record, out or report_folder(record.name))
    if as_json:
        print_json(printed_json(record, folder))
    elif stored:
        print_result(record, folder)
    else:
        say(f"report: {folder / 'index.html'}")


def _kept(name: str, storage: str, out: Path | None) -> dict[str, Any] | None:
    """Return what to print of a stored study whose report is up to date, or None; loads neither torch nor figures."""
    from vitspace.report.study_file import kept_json, report_folder
    from vitspace.study.store import StudyStore

    record = StudyStore.open(storage, name, designs=False).record()
    return kept_json(record, out or report_folder(name))


def compare_studies(names: list[str], storage: str, out: Path, as_json: bool) -> None:
    """Write and print a comparison of stored studies."""
    from vitspace.report.compare import Comparison
    from vitspace.report.folder import write_comparison
    from vitspace.report.sources import find_studies

    comparison = Comparison.of(find_studies(names, storage))
    folder = write_comparison(comparison, out)
    if as_json:
        print_json(comparison.to_json(folder))
        return
    say(comparison.table().to_string(index=False, float_format="{:.4g}".format))
    for name, values in comparison.latency_words():
        say(f"{name}: {values}")
    say(f"report: {folder / 'index.html'}")


def _print_design(record: "StudyRecord", which: str, stored: bool, as_json: bool) -> None:
    """Print a design; for a stored study also the commands to go on."""
    from vitspace.report.choice import design_lines, select
    from vitspace.report.words import design_commands

    trial = select(record, which)
    assert trial.spec is not None
    commands = design_commands(record, trial) if stored else []
    if as_json:
        data: dict[str, Any] = record.summary(trial)
        data |= {"spec": trial.spec.to_dict(), "next": [line for _, line in commands]}
        print_json(data)
        return
    say("\n".join(design_lines(record, which, trial)))
    for purpose, line in commands:
        say(f"to {purpose}:\n  {line}")
