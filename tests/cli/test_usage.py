"""What the command line says of words that it cannot read."""

import pytest
from inside import vitspace

URLS = (
    "postgresql://u:Secret123@host/x",
    "postgresql://u:p@ss:Secret123@host/x",
    "postgresql://u:my Secret123@host/x",
    "mysql://db/v?user=u&password=Secret123",
    "grpc://u:'Secret123\\@host:1",
)
#: Where a URL may stand by mistake: as a command, an option, an argument, a number, a choice or a value.
PLACES = {
    "command": ["{}"],
    "group's command": ["space", "{}"],
    "option": ["--{}"],
    "command's option": ["search", "--{}"],
    "option's name": ["search", "--{}=3"],
    "short option": ["search", "-{}"],
    "flag's value": ["search", "--resume={}"],
    "argument": ["space", "size", "msg", "{}"],
    "number": ["space", "draw", "msg", "-n", "{}"],
    "choice": ["search", "--space", "msg", "--engine", "{}"],
    "value": ["space", "draw", "msg", "--budget", "{}"],
    "missing": ["search", "--space", "--storage", "{}", "--bugdet"],
    "not in UTF-8": ["report", "{}\udcff"],
}


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("place", PLACES)
def test_no_usage_error_shows_a_password(tmp_path, place, url):
    done = vitspace(*(word.format(url) for word in PLACES[place]), cwd=tmp_path, check=2)
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("error: ") and "Secret" not in line and not done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serach"], "No such command 'serach'. Did you mean 'search'?"),
        (["search", "--budgte", "4G"], "--budget"),
        (["space", "size"], "Missing argument 'name'."),
        (["space", "draw", "msg", "-n", "0"], "Invalid value for '-n'"),
    ],
)
def test_a_usage_error_is_one_line_with_what_would_be_valid(tmp_path, words, told):
    [line] = vitspace(*words, cwd=tmp_path, check=2).stderr.splitlines()
    assert line.startswith("error: ") and told in line and line.endswith(" --help`.")


@pytest.mark.parametrize("words", [[], ["space"], ["studies"]])
def test_a_group_alone_shows_its_help(tmp_path, words):
    done = vitspace(*words, cwd=tmp_path, check=2)
    assert "Usage: " in done.stdout and not done.stderr


@pytest.mark.parametrize("words", [["--help"], ["search", "--help"], ["--version"]])
def test_help_and_version_end_well(tmp_path, words):
    done = vitspace(*words, cwd=tmp_path)
    assert done.stdout and not done.stderr
