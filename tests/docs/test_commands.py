"""Every `vitspace ...` that a document shows is a command with such options, of values that it takes."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from vitspace.budget import Budget
from vitspace.cli import app
from vitspace.data import SOURCES
from vitspace.errors import InputError
from vitspace.fidelity.jobs import POSTERIOR, PREDICTOR
from vitspace.files import data_names
from vitspace.latency import BACKENDS
from vitspace.proxies import PROXIES, TRAINING
from vitspace.proxies.recipe import parse_proxy
from vitspace.searching.engines import ENGINES, check_sampler
from vitspace.study.config import StudyConfig

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "reports").rglob("*.md")),
]
#: Sources of data of one command alone.
_MASKS = {"train": ("masks",)}
#: The proxies whose argument is presets.
PRESETTED = set(TRAINING) - {"supernet"}
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


def registered(text):
    """The proxies that a page registers as entry points."""
    return re.findall(r'^\[project\.entry-points\."vitspace\.proxies"\]\n(\w+) = ', text, re.MULTILINE)


def check(command, words, cut_short=False, own=()):
    """Parse the words as the command does, and check the values that it would look up.

    Args:
        command: It.
        words: What follows its name.
        cut_short: Whether words may be missing.
        own: Proxies that the page registers.
    """
    values = command.make_context(command.name, list(words), resilient_parsing=cut_short).params
    named = {name: value for name, value in values.items() if value is not None}
    if command.name == "search":
        settings = {name: value for name, value in named.items() if name in StudyConfig.model_fields}
        config = StudyConfig.of({"space": "msg"} | settings)
        if config.engine in ENGINES and "sampler" in settings:
            check_sampler(config)
    if command.name in ("search", "draw", "size", "compare"):
        Budget.parse(*(named.get(name) for name in ("budget", "params", "latency")))
    known = {"config": data_names("studies"), "data": (*SOURCES, *_MASKS.get(command.name, ())), "backend": BACKENDS}
    known |= dict.fromkeys(("space", "spaces"), data_names("spaces", nested=True))
    known |= dict.fromkeys(("proxy", "proxies"), (*PROXIES, PREDICTOR, POSTERIOR, *own))
    known |= {"engine": ENGINES}
    for name, names in known.items():
        given = named.get(name) or []
        for each in [given] if not isinstance(given, list | tuple) else given:
            plain = str(each).partition(":")[0].partition(",")[0]
            assert plain in names or plain.endswith(".yaml"), f"{name} {each} is none of {', '.join(names)}"
    for proxy in (text.partition(":") for text in [named.get("proxy"), *named.get("proxies", [])] if text):
        if proxy[0] in PRESETTED:
            for preset in (part for part in proxy[2].split("/") if part and not part.startswith("keep=")):
                parse_proxy(preset)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_a_page_parse(page):
    own = registered(page.read_text())
    for words in in_blocks(page.read_text()):
        command, rest = find(words)
        if rest and "--help" not in rest and "--version" not in rest:
            check(command, rest, own=own)
    for words in in_sentences(page.read_text()):
        command, rest = find(words)
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
        assert not unknown, f"{command.name} has no {unknown}"
        if "--help" not in rest and not any(re.fullmatch(r"[A-Z]+|\.\.\.|.*/NAME", word) for word in rest):
            check(command, rest, cut_short=True, own=own)


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_study_says_by_which_commands_it_is_run(path):
    [line] = re.findall(r"^# Command: +(.*)$", path.read_text(), re.MULTILINE)
    for words in (words for text in line.split(", then ") for words in called(text)):
        check(*find(words))
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("search --space mgs --budget 4G", "space mgs is none of"),
        ("search --space msg --budget 4X", "4X"),
        ("search --space msg --engine opuna", "opuna"),
        ("search --space msg --sampler tpi", "tpi"),
        ("search --space msg --proxy train:smal", "smal"),
        ("search --config msg-5g", "config msg-5g is none of"),
        ("space draw msg --budget 5G..4G", "5G..4G"),
        ("space compare msg mta --budget 1G --proxy rank", "spaces mta is none of"),
        ("fidelity znas", "znas is none of"),
    ],
)
def test_a_wrong_value_is_found(words, said):
    with pytest.raises((AssertionError, InputError), match=re.escape(said)):
        check(*find(words.split()))
