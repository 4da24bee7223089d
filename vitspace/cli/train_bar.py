"""The progress display of a training: a bar with the estimated time left, a line for each epoch."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from vitspace.cli.screen import Screen


class Bar:
    """A monitor that draws on standard error, in the process that leads.

    Args:
        leads: Whether this process leads; the others print nothing.
        onward: The command that resumes the training.
    """

    def __init__(self, leads: bool, onward: str) -> None:
        self.leads, self.onward = leads, onward
        self.console = Screen(stderr=True, quiet=not leads)
        columns = (BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
        self.bar = Progress(TextColumn("updates"), *columns, TimeRemainingColumn(), console=self.console)
        self.task = self.bar.add_task("updates", total=None, visible=False)

    def __enter__(self) -> "Bar":
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.bar.stop()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.note(f"to go on:\n  {self.onward}")

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, soft_wrap=True)

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        self.bar.update(self.task, total=total, completed=done, visible=True)
