"""A console that text cannot control: names and reasons may be another person's."""

from typing import Any

from rich.console import Console
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
