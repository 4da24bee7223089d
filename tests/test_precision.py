import pytest

from vitspace.errors import InputError
from vitspace.precision import format_precision, parse_precision


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), (" 0.5 % ", 0.005), ("0.05", 0.05), ("50%", 0.5)])
def test_a_precision_is_read_as_a_share_and_written_as_percent(text, share):
    assert parse_precision(text) == pytest.approx(share)
    assert format_precision(share) == f"{100 * share:g}%"


@pytest.mark.parametrize("text", ["0", "0.4%", "51%", "5", "-5%", "5%%", "nan", "1e400%", "five", ""])
def test_a_precision_that_cannot_be_asked_is_refused(text):
    with pytest.raises(InputError, match=r"precision is from 0\.5% to 50%, such as 5%, but got '"):
        parse_precision(text)
