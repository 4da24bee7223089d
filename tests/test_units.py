import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitspace.errors import InputError
from vitspace.units import (
    format_apart,
    format_count,
    format_exactly,
    format_score,
    format_seconds,
    parse_quantity,
    parse_range,
)


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


@pytest.mark.parametrize("text", ["5..4G", "500..1G", "999. .. 0.5M"])
def test_a_low_end_that_may_lack_its_suffix_is_refused(text):
    with pytest.raises(InputError, match=r"both ends of a range have a suffix, such as 0\.5G\.\.1G, but got"):
        parse_range(text)


def test_a_cost_beside_a_computed_limit_does_not_read_as_if_it_were_within():
    assert format_apart(1_234_600_000, 1_234_560_000 + 1 / 3) == ("1.2346G", "1.23456G")


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


@given(st.integers(1, 10**15), st.sampled_from("KMGT"))
def test_a_count_written_in_full_is_read_to_the_last_digit(count, suffix):
    zeros = {"K": 3, "M": 6, "G": 9, "T": 12}[suffix]
    digits = str(count).rjust(zeros + 1, "0")
    text = f"{digits[:-zeros]}.{digits[-zeros:]}{suffix}"
    assert parse_quantity(text) == count


@given(st.integers(10**3, 10**12), st.integers(1, 1000))
def test_a_cost_beside_a_limit_is_written_so_that_it_differs(limit, above):
    for value in (limit + above, max(1, limit - above)):
        found, written = (parse_quantity(text) for text in format_apart(value, limit))
        assert (found > written) == (value > limit) and found != written


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (4e9, "4G"),
        (519995488, "519.995488M"),
        (2.5e7, "25M"),
        (1e9 / 3, "333.3M"),
        (123, "123"),
        (1234567, "1.234567M"),
    ],
)
def test_a_limit_is_written_with_as_many_digits_as_it_has(limit, text):
    assert format_exactly(limit) == text


@pytest.mark.parametrize(
    ("text", "unit", "bounds"),
    [
        ("0.5..1G", "count", (5e8, 1e9)),
        ("1 .. 4G", "count", (1e9, 4e9)),
        (".5..1.5g", "count", (5e8, 1.5e9)),
        ("500000000..1G", "count", (5e8, 1e9)),
        ("4e8..1G", "count", (4e8, 1e9)),
        ("100M..1G", "count", (1e8, 1e9)),
        ("20..60ms", "ms", (20, 60)),
        ("0.02..0.06s", "ms", (20, 60)),
        ("1..2", "count", (1, 2)),
    ],
)
def test_a_low_end_without_a_suffix_has_that_of_the_high_end(text, unit, bounds):
    assert parse_range(text, unit) == bounds


@pytest.mark.parametrize("text", ["1e99999999999999999999G", "9" * 5000, "1" * 100_000 + "x"])
def test_numbers_beyond_all_bounds_are_refused_in_few_words(text):
    with pytest.raises(InputError, match="a quantity is a positive number") as raised:
        parse_quantity(text)
    assert len(str(raised.value)) < 400
