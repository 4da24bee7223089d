"""Words of others in Markdown."""

import pytest

from vitspace.plots.formats import escaped

EVIL = (
    "a\n\n# Numbers\n\n| top-1 | 99 % |",
    "\033[31mred\r",
    "<img src=x>",
    "[x](javascript:x)",
    "\u202ecod.exe",
    "a\0b",
)


@pytest.mark.parametrize("text", EVIL)
def test_words_of_others_stay_words_on_one_line(text):
    found = escaped(text)
    assert found.isprintable() and "<" not in found and "](" not in found


def test_plain_words_stay_as_they_are():
    assert escaped("größer | `a` > 3 %") == "größer | `a` > 3 %"
