import re
from pathlib import Path

import pytest

import vitspace
from vitspace.words import ordinal, plural, printable


@pytest.mark.parametrize("number", [*range(131), 1011, 1111, 1121])
def test_ordinals_are_those_of_english(number):
    teens = 10 <= number % 100 <= 20
    endings = ["th", "st", "nd", "rd", *["th"] * 6]
    assert ordinal(number) == f"{number:,}{'th' if teens else endings[number % 10]}"


@pytest.mark.parametrize(
    ("noun", "several"),
    [
        ("epoch", "epochs"),
        ("study", "studies"),
        ("class", "classes"),
        ("day", "days"),
        ("index", "indexes"),
        ("batch", "batches"),
    ],
)
def test_one_is_singular_and_all_else_plural(noun, several):
    assert plural(1, noun) == f"1 {noun}"
    for number in (0, 2, 3, 11, 21, 1001):
        assert plural(number, noun) == f"{number:,} {several}"


def test_no_text_of_ours_puts_th_behind_a_number():
    for path in Path(vitspace.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "words.py":
            assert not re.search(r"\}(st|nd|rd|th)\b", text), path
            assert not re.search(r"[a-rt-z]\(s\)[ ,.\"]", text.replace("abs(s)", "")), path


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x200F])
def test_what_controls_a_terminal_is_written_out(code):
    shown = printable(f"a{chr(code)}b")
    if chr(code) in "\t\n":
        assert shown == f"a{chr(code)}b"
    else:
        assert shown.isprintable() and shown.startswith("a\\") and shown.endswith("b")


def test_other_text_stays_as_it_is():
    text = "Größe 模型 é 👩‍🔬 ± …"
    assert printable(text) == text
