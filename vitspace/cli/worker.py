"""vitspace worker."""

import sys
from typing import Any

import typer

from vitspace.cli import command, command_line, print_json, refuse, say
from vitspace.cli.options import JSON, STORAGE
from vitspace.words import plural


@command
def worker(
    study: str = typer.Argument(help="A stored study."),
    storage: str = STORAGE,
    trial: int = typer.Option(None, help="Evaluate this trial's design again, alone; nothing is stored."),
    device: str = typer.Option(None, help="Where the proxy trains. (default: as the study)"),
    threads: int = typer.Option(None, min=1, help="Threads of one evaluation. (default: 1 on the CPU)"),
    timeout: float = typer.Option(None, help="Seconds after which no new trial starts. (default: as the study)"),
    as_json: bool = JSON,
) -> None:
    """Join a study from anywhere: evaluate designs until it is complete, or one trial's design again.

    Ctrl-C and SIGTERM queue the running design again; where a worker is killed, the others do that within seconds.
    """
    from vitspace.searching.join import join, rerun
    from vitspace.searching.monitor import Lines
    from vitspace.study.store import StudyStore

    if trial is not None:
        refuse(
            "--trial evaluates one design again, however long that takes", {"--timeout": timeout, "--threads": threads}
        )
    store = StudyStore.open(storage, study)
    if trial is not None:
        again = rerun(store, trial, device, Lines())
        if as_json:
            print_json(again)
        else:
            say(_compared(again))
        return
    record = join(store, {"device": device, "timeout": timeout}, command_line(), Lines(), threads)
    say(f"{study}: {len(record.completed)} of {plural(record.config.trials, 'trial')} complete", file=sys.stderr)
    if as_json:
        print_json(record.to_json())


def _compared(again: dict[str, Any]) -> str:
    found = f"trial {again['number']} {again['spec_id']}: score {again['score']} on {again['host']['host']}, stored"
    if again["stored_score"] is None:
        return f"{found} none: {again['state']}: {again['why']}; vitspace search --resume takes it up"
    verdict = "equal" if again["equal"] else "not equal"
    stored_host = (again["stored_host"] or {}).get("host", "an unknown host")
    return f"{found} {again['stored_score']} of {stored_host}: {verdict}"
