"""vitspace studies: list, show, compare, copy, delete."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import app, command_of, print_json
from vitspace.cli.options import JSON, STORAGE
from vitspace.errors import InputError

if TYPE_CHECKING:
    from vitspace.searching.lease import Owner

group = typer.Typer(no_args_is_help=True, help="List, show, compare, copy and delete stored studies.")
app.add_typer(group, name="studies")


@command_of(group, "list")
def list_studies(
    storage: str = STORAGE,
    as_json: bool = JSON,
) -> None:
    """List the stored studies.

    running counts trials that are worked on; lost those whose process was killed, as far as this host can see.
    """
    from vitspace.study.passwords import without_passwords

    rows = [_row(store) for store in _whole(storage)]
    if as_json:
        print_json(rows)
    elif rows:
        print(_table(rows))
    else:
        print(without_passwords(f"no studies in {storage}"), file=sys.stderr)


@command_of(group, "show")
def show(
    study: str = typer.Argument(help="A stored study."),
    storage: str = STORAGE,
    as_json: bool = JSON,
) -> None:
    """Show what a study was asked, how its trials ended, and who runs the others.

    idle_share is the share of time, from the first end of a trial to the last, that went to no evaluation.
    """
    from vitspace.searching.idle import idle_share

    [store] = _stores(storage, [study])
    record = store.record()
    states: dict[str, int] = {}
    for trial in record.trials:
        states[trial.state] = states.get(trial.state, 0) + 1
    idle = idle_share(store.frozen(), record.reference.get("spec_id"))
    data = _row(store) | {"states": states, "idle_share": idle, "workers": _names(_owners(store, gone=False))}
    data["config"] = record.config.model_dump()
    if as_json:
        print_json(data)
        return
    data |= {"lost": _lost_words(store)} if data["lost"] else {}
    for name, value in (data | data.pop("config")).items():
        if value not in (None, {}, []):
            print(f"{name}: {_words(value)}")


@command_of(group, "compare")
def compare(
    studies: list[str] = typer.Argument(help="Stored studies."),
    storage: str = STORAGE,
    out: Path = typer.Option(Path("reports/compare"), help="The report's folder."),
    as_json: bool = JSON,
) -> None:
    """Compare studies; the same as vitspace report with several of them."""
    from vitspace.cli.report import compare_studies

    compare_studies(studies, storage, out, as_json)


@command_of(group, "copy")
def copy(
    study: str = typer.Argument(help="A stored study."),
    to: str = typer.Argument(help="Where to: a journal file or a database URL."),
    storage: str = STORAGE,
    name: str = typer.Option(None, help="The copy's name. (default: the study's)"),
) -> None:
    """Copy a study into another storage, with all its trials; the copy is gone on with like any study."""
    from vitspace.searching.checks import check_new
    from vitspace.study.passwords import without_passwords
    from vitspace.study.storage import naming_storage, open_storage, resume_command

    [store] = _stores(storage, [study])
    name = name or study
    check_new(to, name, cure=f" in {without_passwords(to)}; give the copy another with --name")
    with naming_storage(to):
        _copy(store, open_storage(to), name)
    print(f"{len(store.trials())} trials copied; to go on: {resume_command(name, to)}")


def _copy(store: Any, target: Any, name: str) -> None:
    """Copy a study whole or not at all."""
    import optuna

    from vitspace.study.store import study_names

    source = {"from_study_name": store.name, "from_storage": store.storage}
    try:
        optuna.copy_study(**source, to_storage=target, to_study_name=name)
    except optuna.exceptions.DuplicatedStudyError:
        raise InputError(f"a copy has a name of its own, but {name!r} was made meanwhile") from None
    except BaseException:
        if name in study_names(target):
            optuna.delete_study(study_name=name, storage=target)
        raise


@command_of(group, "delete")
def delete(
    study: str = typer.Argument(help="A stored study."),
    storage: str = STORAGE,
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Delete a study from its storage; its report stays."""
    import optuna

    from vitspace.study.store import StudyStore

    store = StudyStore.open(storage, study, designs=False, whole=False)
    if owners := _at_work(store):
        raise InputError(f"a study is deleted that nobody works on, but {study} is run by {', '.join(_names(owners))}")
    if not yes and not typer.confirm(f"delete {study} with {len(store.trials())} trials?", err=True):
        raise typer.Exit(1)
    optuna.delete_study(study_name=study, storage=store.storage)


def _stores(storage: str, names: list[str]) -> list[Any]:
    from vitspace.study.storage import open_storage
    from vitspace.study.store import StudyStore

    opened = open_storage(storage, create=False)
    return [StudyStore.load(opened, name, designs=False) for name in names]


def _whole(storage: str) -> list[Any]:
    """Return all studies but those that another program made, or that were killed while they were made."""
    from vitspace.study.storage import open_storage
    from vitspace.study.store import StudyStore, study_names

    opened = open_storage(storage, create=False)
    stores = [StudyStore.load(opened, name, designs=False, whole=False) for name in study_names(opened)]
    if others := [store.study.study_name for store in stores if not store.is_whole]:
        print(f"left out, as no whole studies of vitspace: {', '.join(others)}", file=sys.stderr)
    return [store for store in stores if store.is_whole]


def _row(store: Any) -> dict[str, Any]:
    record = store.record()
    return {
        "study": record.name,
        "space": record.config.space,
        "budget": record.config.budget,
        "proxy": record.config.proxy,
        "engine": record.config.engine,
        "complete": len(record.completed),
        "trials": record.config.trials,
        "running": len(_owners(store, gone=False)),
        "lost": len(_owners(store, gone=True)),
        "front": len(record.front),
        "hypervolume": record.hypervolume,
        "seconds": record.seconds,
    }


def _owners(store: Any, gone: bool) -> "list[Owner]":
    """Return who runs each trial, or did until it was killed; of other hosts' processes none is known to be gone."""
    from optuna.trial import TrialState

    from vitspace.searching.lease import owner_of

    owners = [owner_of(trial) for trial in store.frozen(TrialState.RUNNING)]
    return [owner for owner in owners if owner and owner.gone == gone]


def _at_work(store: Any) -> "list[Owner]":
    """Return who works on a study; of processes that cannot be seen from here, whoever beats within a lease."""
    from vitspace.searching.lease import BEATS, LeaseTiming, owner_of

    owners = _owners(store, gone=False)
    timing = LeaseTiming.from_environment()
    if not owners or any(owner.is_here for owner in owners):
        return owners
    patience = max(owner.lease for owner in owners) + timing.heartbeat
    print(f"waiting {patience:g} s, to see whether {', '.join(_names(owners))} works on it", file=sys.stderr)
    before = {trial.number: trial.system_attrs.get(BEATS) for trial in store.frozen()}
    time.sleep(patience)
    moved = [trial for trial in store.frozen() if trial.system_attrs.get(BEATS) != before.get(trial.number)]
    return [owner for trial in moved if (owner := owner_of(trial))]


def _names(owners: "list[Owner]") -> list[str]:
    return list(dict.fromkeys(map(str, owners)))


def _lost_words(store: Any) -> str:
    owners = _owners(store, gone=True)
    trials, them = ("1 trial", "it") if len(owners) == 1 else (f"{len(owners)} trials", "them")
    return f"{trials} of {', '.join(_names(owners))}, no longer there; --resume or a worker runs {them} again"


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
