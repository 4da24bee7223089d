import io

import pytest
from rich.table import Table

from vitspace.cli.progress import SearchProgress
from vitspace.cli.screen import Screen
from vitspace.cli.train_bar import Bar

#: Sets the title of a terminal, moves its cursor, turns the direction of text, is markup of rich.
TEXTS = ("\x1b]0;title\x07", "\x1b[2J", "a\rb", "\x9b31m", "\u202etxt", "[red]x[/red]", "[/red]")
CONTROLS = set("\x1b\x07\r\x9b\u202e")


def screen():
    return Screen(file=io.StringIO(), width=200)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("where", ["line", "cell", "heading", "caption"])
def test_text_does_not_control_the_terminal(where, text):
    made = screen()
    table = Table(text if where == "heading" else "name", caption=text if where == "caption" else None)
    table.add_row(text if where == "cell" else "x" * 20)
    made.print(text if where == "line" else table)
    told = made.file.getvalue()
    assert not CONTROLS & set(told)
    assert text in told if text.isprintable() else "\\" in told


@pytest.mark.parametrize("text", TEXTS)
def test_bars_show_names_as_they_are(text):
    progress = SearchProgress()
    progress.console.file = io.StringIO()
    progress.console.width = 200
    progress.note(text)
    progress.began(3, text)
    progress.console.print(progress.bars.get_renderable())
    told = progress.console.file.getvalue()
    assert not CONTROLS & set(told)
    assert told.count(text) == 2 if text.isprintable() else told.count("\\") >= 2


@pytest.mark.parametrize("text", TEXTS)
def test_notes_of_a_training_show_names_as_they_are(text):
    bar = Bar(leads=True, onward="")
    bar.console.file = io.StringIO()
    bar.note(text)
    assert not CONTROLS & set(bar.console.file.getvalue())
