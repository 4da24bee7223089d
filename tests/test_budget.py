from vitspace.budget import Budget


def test_limits_are_inclusive():
    budget = Budget.parse("3G..4G", "25M", "60ms")
    assert budget.violation(macs=4e9, params=25e6, latency_ms=60) == ""
    assert budget.violation(macs=3e9) == ""


def test_a_violation_names_the_cost_the_value_and_the_range():
    budget = Budget.parse("3G..4G", "25M", "60ms")
    assert budget.violation(macs=4.1e9) == "FLOPs 4.1G outside 3G..4G"
    assert budget.violation(params=26e6) == "params 26M outside ..25M"
    assert budget.violation(latency_ms=61) == "latency 61ms outside ..60ms"


def test_no_budget_is_no_limit():
    assert Budget().violation(macs=1e15, params=1e12, latency_ms=1e9) == ""
    assert str(Budget()) == "no limit"
