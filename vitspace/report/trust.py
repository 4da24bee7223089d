"""The report card of a study's proxy, or how to make one."""

import shlex
from dataclasses import dataclass
from typing import Any

from vitspace.proxies.cards import committed_card
from vitspace.report.proxy import proxy_name, rests_on, typed
from vitspace.study.record import StudyRecord


@dataclass(frozen=True)
class CardLine:
    """One number of a report card, beside that of params alone; as text."""

    quantity: str
    value: str
    baseline: str


def report_card(record: StudyRecord) -> list[CardLine] | str:
    """Return the proxy's report card, or a sentence that says how to make one."""
    name = proxy_name(record)
    card = committed_card(name) or record.told("proxy").get("report_card")
    if not card or card.get("kendall_tau") is None:
        return (
            f"The proxy {name} has no report card: how its scores go with published accuracies was not measured. "
            f"`{_measuring(record)}` scores the published designs with it and makes one."
        )
    return _lines(card, committed_card("params") or {})


def _measuring(record: StudyRecord) -> str:
    if rests_on(record) or record.told("proxy").get("begins_with"):  # shared weights are opened by their folder
        return shlex.join(["vitspace", "fidelity", record.config.proxy])
    name, data = typed(record)
    other = data and proxy_name(record) != name
    return shlex.join(["vitspace", "fidelity", name, *(["--data", data] if other else [])])


def _lines(card: dict[str, Any], params: dict[str, Any]) -> list[CardLine]:
    rows = [
        ("Kendall tau with ImageNet top-1, over published designs", "kendall_tau", "tau_ci", _number),
        ("ablation pairs in the right order", "pair_accuracy", "pair_ci", _percent),
        ("pairs that params order wrongly or tie, in the right order", "hard_accuracy", "hard_ci", _percent),
        ("seconds a design", "seconds_per_spec", "", _number),
    ]
    return [
        CardLine(text, _with_interval(card, value, interval, show), _with_interval(params, value, interval, show))
        for text, value, interval, show in rows
        if card.get(value) is not None
    ]


def _with_interval(card: dict[str, Any], name: str, interval: str, show: Any) -> str:
    if card.get(name) is None:
        return ""
    low, high = card.get(interval) or (None, None)
    return show(card[name]) + (f" ({show(low)} to {show(high)})" if low is not None and high is not None else "")


def _number(value: float) -> str:
    return f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
