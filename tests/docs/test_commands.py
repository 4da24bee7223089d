"""Every `vitspace ...` that a document shows is a command with such options."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from vitspace.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "reports").rglob("README.md")),
]
ROOT_COMMAND = typer.main.get_command(app)


def in_blocks(text):
    """The command lines of the fenced blocks of a page, as lists of words after `vitspace`."""
    for block in re.findall(r"^```(?:bash|text)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from called(line)


def called(line):
    for part in re.split(r"&&|\|\||[;|]", line):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue  # prose with an apostrophe
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words.pop(0)
        if words and Path(words[0]).name == "vitspace":
            yield words[1:]


def in_sentences(text):
    """The commands in a page's sentences, which may be cut short."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for span in re.findall(r"`(vitspace [a-z-][^`]*)`", prose):
        yield next(iter(called(" ".join(span.split()))))


def find(words):
    """The command that words call, and the rest of them."""
    command, words = ROOT_COMMAND, list(words)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"no command {' '.join(words)}"
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_a_page_parse(page):
    for words in in_blocks(page.read_text()):
        command, rest = find(words)
        if rest and "--help" not in rest and "--version" not in rest:
            command.make_context(command.name, rest)
    for words in in_sentences(page.read_text()):
        command, rest = find(words)
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
        assert not unknown, f"{command.name} has no {unknown}"


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_study_says_by_which_commands_it_is_run(path):
    [line] = re.findall(r"^# Command: +(.*)$", path.read_text(), re.MULTILINE)
    for words in (words for text in line.split(", then ") for words in called(text)):
        command, rest = find(words)
        command.make_context(command.name, rest)
    assert path.stem in line


def test_a_wrong_option_is_found():
    assert list(in_blocks("```bash\nA=1 x/vitspace search --spac msg && vitspace anchors  # all\n```\n")) == [
        ["search", "--spac", "msg"],
        ["anchors"],
    ]
    command, rest = find(["search", "--spac", "msg"])
    with pytest.raises(Exception, match="No such option"):
        command.make_context(command.name, rest)
    with pytest.raises(AssertionError, match="no command serach"):
        find(["serach"])
