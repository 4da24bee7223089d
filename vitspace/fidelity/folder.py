"""Folder: the tables, cards and figures that are committed, written together."""

from collections.abc import Sequence
from pathlib import Path

from vitspace.fidelity.cards import Card
from vitspace.files import write_atomic, write_json
from vitspace.proxies._cards import FILE as CARDS
from vitspace.proxies._tables import FILE as SCORES
from vitspace.proxies._tables import ScoreRow, write_table

HEADINGS = (
    "proxy",
    "tau (22 anchors)",
    "pairs",
    "hard pairs",
    "tau, like FLOPs",
    "tau, timm",
    "two seeds",
    "s a design",
)


def write_folder(folder: Path, cards: Sequence[Card], rows: Sequence[ScoreRow]) -> None:
    """Write ``scores.csv``, ``cards.json`` and ``cards.md``."""
    write_table(folder / SCORES, rows)
    write_json(folder / CARDS, [card.to_json() for card in cards])
    lines = [HEADINGS, ("---",) * len(HEADINGS), *map(cells, cards)]
    write_atomic(folder / "cards.md", "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n")


def cells(card: Card) -> tuple[str, ...]:
    """Return a card as a line of the table under `HEADINGS`; intervals hold 90 %."""
    name = card.proxy + (f" ({card.init})" if card.init != "own" else "") + (" *" if card.default else "")
    low, high = card.pair_ci or (float("nan"), float("nan"))
    return (
        name,
        _between(card.kendall_tau, card.tau_ci),
        f"{card.pair_accuracy:.1%} [{low:.0%}, {high:.0%}]",
        f"{card.hard_right:g} of {card.hard_pairs}",
        _number(card.bin_tau),
        _between(card.peers["kendall_tau"], card.peers["tau_ci"]),
        _number(card.seed_tau),
        f"{card.seconds_per_spec:.2f}" + (f", {card.failures} failed" if card.failures else ""),
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _between(value: float | None, interval: tuple[float, float] | None) -> str:
    return "-" if value is None or interval is None else f"{value:.3f} [{interval[0]:.2f}, {interval[1]:.2f}]"
