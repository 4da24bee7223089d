import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitspace.errors import InputError
from vitspace.units import format_count, format_score, format_seconds, parse_quantity, parse_range


@pytest.mark.parametrize(
    ("text", "value"), [("4G", 4e9), ("350M", 3.5e8), ("4e9", 4e9), ("1.5k", 1500), (" 2.5 G ", 2.5e9), (".5G", 5e8)]
)
def test_counts(text, value):
    assert parse_quantity(text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [("60ms", 60), ("0.06s", 60), ("60", 60)])
def test_milliseconds(text, value):
    assert parse_quantity(text, "ms") == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "G", "4X", "-4G", "0", "nan", "inf", "4 G G", "1e999", "4ms"])
def test_bad_counts_say_the_rule_and_the_value(text):
    with pytest.raises(InputError, match=r"a quantity is a positive number such as 4G.*but got"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [("4G", (0, 4e9)), ("3.5G..4G", (3.5e9, 4e9)), ("3.5G..", (3.5e9, math.inf)), ("..4G", (0, 4e9))],
)
def test_ranges(text, bounds):
    assert parse_range(text) == pytest.approx(bounds)


@pytest.mark.parametrize("text", ["..", "5G..4G", "4G...5G", "4G..x"])
def test_bad_ranges(text):
    with pytest.raises(InputError):
        parse_range(text)


@given(st.integers(1, 10**15))
def test_a_count_reads_back_as_written(count):
    assert parse_quantity(format_count(count, 6)) == pytest.approx(count, rel=1e-5)


@pytest.mark.parametrize(("seconds", "text"), [(3.21, "3.2 s"), (245, "4 min 05 s"), (7260, "2 h 01 min")])
def test_seconds(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(("score", "text"), [(-2.10431, "-2.1043"), (779772672.0, "779,772,672"), (-1e5, "-100,000")])
def test_scores(score, text):
    assert format_score(score) == text
