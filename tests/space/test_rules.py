import pytest

from vitspace.errors import InputError
from vitspace.space.rules import Rule


def test_arithmetic_over_a_stage():
    rule = Rule("ceil(side / window) % region_size == 0")
    assert rule.names == {"side", "window", "region_size"}
    assert rule.holds({"side": 56, "window": 7, "region_size": 4})
    assert not rule.holds({"side": 56, "window": 8, "region_size": 4})


def test_conditions_and_membership():
    rule = Rule("mixer in ('none', 'window') or (side % grid == 0 if stage < 4 else min(side, 7) > 2)")
    assert rule.holds({"mixer": "none", "side": 7, "grid": 4, "stage": 1})
    assert not rule.holds({"mixer": "mat", "side": 7, "grid": 4, "stage": 1})


@pytest.mark.parametrize("text", ["side % (depth - 1) == 0", "mixer > 1", "ceil(1e400 - 1e400) > 1"])
def test_what_cannot_be_worked_out_is_told_with_the_values(text):
    with pytest.raises(InputError, match=r"can be worked out for every design, but .* fails for"):
        Rule(text).holds({"side": 7, "depth": 1, "mixer": "none"})


@pytest.mark.parametrize(
    "text",
    [
        "dim %",
        "__import__('os')",
        "dim.real == 1",
        "[d for d in (1,)]",
        "(lambda: 1)()",
        "open('x')",
        "dim := 3",
        "f'{dim}'",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(InputError, match="a rule"):
        Rule(text)
