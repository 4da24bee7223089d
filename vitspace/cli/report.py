"""vitspace report."""

from pathlib import Path

import typer

from vitspace.cli import command, print_json


@command
def report(
    study: str = typer.Argument(help="A stored study."),
    storage: str = typer.Option("studies.journal", help="A journal file, or a database URL."),
    out: Path = typer.Option(None, help="The report's folder.  [default: reports/STUDY]"),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Redraw a study's report from its storage."""
    from vitspace.cli.progress import print_result
    from vitspace.report import write_report
    from vitspace.search import report_folder
    from vitspace.study.storage import open_storage
    from vitspace.study.store import StudyStore

    record = StudyStore.load(open_storage(storage, create=False), study).record()
    folder = write_report(record, out or report_folder(study))
    if as_json:
        print_json(record.to_json(str(folder)))
    else:
        print_result(record, folder, storage)
