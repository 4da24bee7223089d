import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitspace.budget import Budget
from vitspace.errors import InputError


def test_limits_are_inclusive():
    budget = Budget.parse("3G..4G", "25M", "60ms")
    assert budget.violation(macs=4e9, params=25e6, latency_ms=60) == ""
    assert budget.violation(macs=3e9) == ""


def test_a_violation_names_the_cost_the_value_and_the_range():
    budget = Budget.parse("3G..4G", "25M", "60ms")
    assert budget.violation(macs=4.1e9) == "FLOPs 4.1G outside 3G..4G"
    assert budget.violation(params=26e6) == "params 26M outside ..25M"
    assert budget.violation(latency_ms=61) == "latency 61ms outside ..60ms"


def test_a_latency_may_be_another_device_s():
    budget = Budget.parse("4G", latency="pi5:40ms..60ms")
    assert (budget.device, budget.latency_ms) == ("pi5", (40.0, 60.0))
    assert budget.violation(latency_ms=61) == "latency on pi5 61ms outside 40ms..60ms"
    assert str(budget) == "FLOPs ..4G, latency on pi5 40ms..60ms"
    assert budget.counted == Budget.parse("4G") and Budget.parse(latency="60ms").device == ""


@pytest.mark.parametrize("text", [":60ms", "a b:60ms", "../pi:60ms", "pi5:", "pi5:fast"])
def test_a_device_without_a_name_or_a_limit_is_an_error(text):
    with pytest.raises(InputError):
        Budget.parse(latency=text)


def test_no_budget_is_no_limit():
    assert Budget().violation(macs=1e15, params=1e12, latency_ms=1e9) == ""
    assert str(Budget()) == "no limit"


@given(st.integers(10**5, 10**11))
def test_a_budget_that_is_a_design_s_cost_takes_it_and_not_one_more(macs):
    budget = Budget.parse(f"{macs // 10**9}.{macs % 10**9:09}G")
    assert budget.violation(macs=macs) == ""
    words = budget.violation(macs=macs + 1)
    found, limit = words.removeprefix("FLOPs ").split(" outside ..")
    assert found != limit


def test_a_cost_just_outside_is_told_apart():
    assert Budget.parse("0.52G").violation(macs=520_000_001) == "FLOPs 520.000001M outside ..520M"
    assert Budget.parse(latency="60ms").violation(latency_ms=60.00004) == "latency 60.00004ms outside ..60ms"
    assert str(Budget.parse("0.519995488G")) == "FLOPs ..519.995488M"
