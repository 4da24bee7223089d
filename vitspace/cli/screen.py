"""A console that text cannot control: names and reasons may be another person's."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vitspace.words import printable


class Screen(Console):
    """A console without markup and highlighting, which writes out what would control the terminal.

    Args:
        settings: As of `rich.console.Console`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, markup=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """Return the text of a line or of a table's cell."""
        return super().render_str(printable(text), **settings)


def table(
    headings: Iterable[str], rows: Iterable[Sequence[str]], numbers: bool = False, wrap: bool = True, **settings: Any
) -> Table:
    """Return a table of text, a line for each row.

    Args:
        headings: Of the columns.
        rows: The cells.
        numbers: Whether all columns but the first, which is not wrapped then, hold numbers: they stand at the right.
        wrap: Whether long cells are wrapped in a narrow terminal.
        settings: As of `rich.table.Table`.
    """
    made = Table(box=None, header_style="bold", **settings)
    for place, heading in enumerate(headings):
        justify = "right" if numbers and place else "left"
        made.add_column(heading, justify=justify, no_wrap=not wrap or (numbers and not place))  # type: ignore[arg-type]
    for row in rows:
        made.add_row(*row)
    return made
