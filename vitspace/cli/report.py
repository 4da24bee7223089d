"""vitspace report."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import command, print_json
from vitspace.cli.options import JSON, STORAGE
from vitspace.errors import InputError

if TYPE_CHECKING:
    from vitspace.study.record import StudyRecord


@command
def report(
    studies: list[str] = typer.Argument(
        help="A stored study, or a report's folder, as reports/msg-4G; several are compared."
    ),
    select: str = typer.Option(
        None, help="Only print one design: knee, cheapest, fastest, best, or a trial's number; and what to do with it."
    ),
    storage: str = STORAGE,
    out: Path = typer.Option(None, help="The report's folder. (default: reports/STUDY, of several reports/compare)"),
    as_json: bool = JSON,
) -> None:
    """Redraw a study's report, compare several studies, or print one design of a study."""
    if len(studies) > 1:
        if select is not None:
            raise InputError(f"--select picks a design of one study, but got {len(studies)} studies")
        compare_studies(studies, storage, out or Path("reports/compare"), as_json)
        return
    from vitspace.cli.progress import print_result
    from vitspace.report import report_folder, write_report
    from vitspace.report.sources import find_studies, is_report

    [record] = find_studies(studies, storage)
    stored = not is_report(studies[0])
    if select is not None:
        if out:
            raise InputError(f"--select only prints a design and writes no report, but got --out {out}")
        _print_design(record, select, stored, as_json)
        return
    folder = write_report(record, out or report_folder(record.name))
    if as_json:
        print_json(record.to_json(str(folder)))
    elif stored:
        print_result(record, folder)
    else:
        print(f"report: {folder / 'index.html'}")


def compare_studies(names: list[str], storage: str, out: Path, as_json: bool) -> None:
    """Write and print a comparison of stored studies."""
    from vitspace.report import write_comparison
    from vitspace.report.compare import Comparison
    from vitspace.report.sources import find_studies

    comparison = Comparison.of(find_studies(names, storage))
    folder = write_comparison(comparison, out)
    if as_json:
        print_json(comparison.to_json(folder))
        return
    print(comparison.table().to_string(index=False, float_format="{:.4g}".format))
    for name, values in comparison.latency_words():
        print(f"{name}: {values}")
    print(f"report: {folder / 'index.html'}")


def _print_design(record: "StudyRecord", which: str, stored: bool, as_json: bool) -> None:
    """Print a design, and what to do next with that of a stored study."""
    from vitspace.report.choice import design_lines, select
    from vitspace.report.words import design_commands

    trial = select(record, which)
    assert trial.spec is not None
    commands = design_commands(record, trial) if stored else []
    if as_json:
        data: dict[str, Any] = trial.summary() | {"spec": trial.spec.to_dict(), "next": [line for _, line in commands]}
        print_json(data)
        return
    print("\n".join(design_lines(record, which, trial)))
    for purpose, line in commands:
        print(f"to {purpose}:\n  {line}")
