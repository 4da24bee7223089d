"""What a running search shows: a bar with an estimate, each trial, the front so far."""

import shutil
import sys
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from vitspace.cli import console
from vitspace.cli.screen import Screen
from vitspace.report.names import trial_name
from vitspace.report.peers import peers_words
from vitspace.report.points import score_text
from vitspace.report.terminal import terminal_table
from vitspace.report.words import headline, next_commands, steps_words
from vitspace.searching.monitor import Monitor
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.units import format_count, format_seconds
from vitspace.words import plural, printable


class SearchProgress(Monitor):
    """A monitor that draws on standard error."""

    def __init__(self) -> None:
        self.console = Screen(stderr=True)
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("{task.fields[front]}", markup=False),
            console=self.console,
        )
        self.trials = self.bars.add_task("trials", total=None, front="", visible=False)
        self.running: dict[int, TaskID] = {}

    def __enter__(self) -> "SearchProgress":
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def screening(self, done: int, total: int) -> None:
        """Move the bar of the first step, which has no trials yet."""
        self.bars.update(self.trials, description="designs screened", total=total, completed=done, visible=True)

    def started(self, record: StudyRecord) -> None:
        """Show the bar."""
        self.note(f"study {record.name}: {plural(record.config.trials, 'trial')} of space {record.config.space}")
        total = record.config.trials
        if screened := record.screening:
            self.note(
                f"{plural(screened['designs'], 'design')} screened by estimated top-1 "
                f"in {format_seconds(screened['seconds'])}"
            )
        self.bars.reset(self.trials, total=total, completed=len(record.counted), description="trials", visible=True)
        self.bars.update(self.trials, front=_front(record))

    def began(self, number: int, name: str) -> None:
        """Show a bar for a trial, which moves once its proxy does."""
        self.running[number] = self.bars.add_task(f"  trial {number} {printable(name)}", total=None, front="")

    def step(self, number: int, done: int, total: int) -> None:
        """Move a running trial's bar."""
        if number in self.running:
            self.bars.update(self.running[number], total=total, completed=done)

    def left(self, number: int) -> None:
        """Take a trial's bar away."""
        if number in self.running:
            self.bars.remove_task(self.running.pop(number))

    def ended(self, trial: Trial, record: StudyRecord) -> None:
        """Say what the trial gave."""
        self.note(_line(trial, record))
        self.bars.update(self.trials, completed=len(record.counted), front=_front(record))

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text, soft_wrap=True)


def print_result(record: StudyRecord, folder: Path) -> None:
    """Print what a study found, and the commands to go on with."""
    screen = console()
    screen.print(f"\n{headline(record)}")
    screen.print(terminal_table(record))
    if beside := peers_words(record):
        screen.print(beside)
    screen.print(f"hypervolume {record.hypervolume:.4f}, searched for {format_seconds(record.seconds)}")
    if steps := steps_words(record):
        screen.print(f"seconds by step: {steps}")
    screen.print(f"report: {folder / 'index.html'}\n", soft_wrap=True)
    for purpose, line in next_commands(record):
        screen.print(f"to {purpose}:\n  {_program(line)}", soft_wrap=True)


def _program(line: str) -> str:
    """Return a command as it can be typed here: with the path it was called by where it is not on the PATH."""
    if shutil.which("vitspace"):
        return line
    called = "python -m vitspace" if Path(sys.argv[0]).name == "__main__.py" else sys.argv[0]
    return line.replace("vitspace", called, 1)


def _line(trial: Trial, record: StudyRecord) -> str:
    name = f" {trial_name(trial)}" if trial.spec or trial.anchor else ""
    if not trial.complete:
        return f"trial {trial.number}{name}: {trial.state}: {trial.why}"
    _, macs, ms = trial.point
    mark = "  on the front" if any(trial.number == other.number for other in record.front) else ""
    return (
        f"trial {trial.number}{name}: {format_count(macs)} FLOPs, {ms:.1f} ms, "
        f"{score_text(record, trial)}, {format_seconds(trial.seconds)}{mark}"
    )


def _front(record: StudyRecord) -> str:
    return f"front {len(record.front)}, hypervolume {record.hypervolume:.4f}" if record.completed else ""
