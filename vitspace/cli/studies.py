"""vitspace studies: list, show, compare, retime, copy, delete."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from vitspace.cli import app, command_of, print_json, refuse, say, track
from vitspace.cli.options import JSON, STORAGE, STUDY
from vitspace.cli.report import compare_studies
from vitspace.study.passwords import storage_without_password
from vitspace.words import plural

group = typer.Typer(no_args_is_help=True, help="List, show, compare, time again, copy and delete stored studies.")
app.add_typer(group, name="studies")


@command_of(group, "list")
def list_studies(
    storage: str = STORAGE,
    as_json: bool = JSON,
) -> None:
    """List the stored studies.

    running counts the trials that are evaluated now; lost those whose process was killed, as far as this host can see.
    """
    from vitspace.searching import stored

    rows = [asdict(summary) for summary in stored.list_studies(storage)]
    if as_json:
        print_json(rows)
    elif rows:
        say(_table(rows))
    else:
        say(f"no studies in {storage_without_password(storage)}", file=sys.stderr)


@command_of(group, "show")
def show(
    study: str = STUDY,
    storage: str = STORAGE,
    as_json: bool = JSON,
) -> None:
    """Show what a study was asked, how its trials ended, and which processes run the others.

    idle_share is the share of time, from the first end of a trial to the last, that went to no evaluation.
    """
    from vitspace.searching.stored import describe_study

    data = describe_study(study, storage).to_json()
    if as_json:
        print_json(data)
        return
    killed = data.pop("lost_workers")
    data |= {"lost": _lost(data["lost"], killed)} if killed else {}
    for name, value in (data | data.pop("config")).items():
        if value not in (None, {}, []):
            say(f"{name}: {_words(value)}")


@command_of(group, "compare")
def compare(
    studies: list[str] = typer.Argument(help="Stored studies."),
    storage: str = STORAGE,
    out: Path = typer.Option(Path("reports/compare"), help="The report's folder."),
    as_json: bool = JSON,
) -> None:
    """Compare studies; the same as vitspace report with several of them."""
    compare_studies(studies, storage, out, as_json)


@command_of(group, "retime")
def retime(
    study: str = STUDY,
    storage: str = STORAGE,
    trial: list[int] = typer.Option([], help="Only the design of this trial; repeatable."),
    everything: bool = typer.Option(False, "--all", help="Time all designs that were timed."),
    out: Path = typer.Option(None, help="The report's folder. (default: reports/STUDY)"),
    as_json: bool = JSON,
) -> None:
    """Time the designs of unsure latency again, and write the report anew; --all also on another machine.

    A trial is then complete, over the budget, or undecided: its latency's interval holds the limit. What is measured is
    averaged with what was measured on this host before.
    """
    from vitspace.report.folder import write_report
    from vitspace.report.study_file import report_folder
    from vitspace.searching.peers import keep_peers
    from vitspace.searching.retiming import retime_study
    from vitspace.study.store import StudyStore

    refuse("--all times every design", {"--trial": everything and trial})
    found = retime_study(study, storage, numbers=trial, everything=everything, track=track)
    folder = None
    if found:
        store = StudyStore.open(storage, study)
        if everything:
            keep_peers(store, lambda note: say(note, file=sys.stderr))
        folder = write_report(store.record(), out or report_folder(study))
    rows = [retimed.to_json() for retimed in found]
    if as_json:
        print_json({"study": study, "retimed": rows, "report": str(folder) if folder else None})
    elif rows:
        say(_table(rows))
        say(f"report: {folder / 'index.html'}" if folder else "")
    else:
        say("no latency of this study is unsure; --all times all designs again", file=sys.stderr)


@command_of(group, "copy")
def copy(
    study: str = STUDY,
    to: str = typer.Argument(help="The copy's storage: a journal file or a database URL."),
    storage: str = STORAGE,
    name: str = typer.Option(None, help="The copy's name. (default: the study's)"),
) -> None:
    """Copy a study into another storage, with all its trials; the copy is resumed like any study."""
    from vitspace.searching.copying import copy_study
    from vitspace.study.storage import resume_command

    copied = copy_study(study, to, storage, name)
    say(f"{plural(copied, 'trial')} copied; to go on: {resume_command(name or study, to)}")


@command_of(group, "delete")
def delete(
    study: str = STUDY,
    storage: str = STORAGE,
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Delete a study from its storage; its report stays."""
    from vitspace.searching.stored import delete_study

    def confirm(trials: int) -> bool:
        return yes or typer.confirm(f"delete {study} with {plural(trials, 'trial')}?", err=True)

    if not delete_study(study, storage, confirm):
        raise typer.Exit(1)


def _lost(count: int, killed: list[str]) -> str:
    trials, them = ("1 trial", "it") if count == 1 else (f"{count} trials", "them")
    return f"{trials} of {', '.join(killed)}, which was killed; --resume or a worker runs {them} again"


def _table(rows: list[dict[str, Any]]) -> str:
    columns = [[name, *(_words(row[name]) for row in rows)] for name in rows[0]]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{item} {name}" for name, item in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
