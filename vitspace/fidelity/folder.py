"""Writes scores and report cards into a folder, and reads its scores."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from vitspace.anchors.references import ablation_pairs, main_anchors
from vitspace.fidelity.cards import Card
from vitspace.fidelity.curves import write_curves
from vitspace.fidelity.held import HEADINGS as HELD
from vitspace.files import write_atomic, write_json
from vitspace.plots.formats import markdown
from vitspace.proxies import trains
from vitspace.proxies.cards import FILE as CARDS
from vitspace.proxies.score_tables import FILE as SCORES
from vitspace.proxies.score_tables import TRAINED_FILE, ScoreRow, read_table, write_table

HEADINGS = (
    "proxy",
    f"tau ({len(main_anchors())} anchors)",
    "pairs",
    "hard pairs",
    "tau, similar FLOPs",
    "tau, timm",
    "two seeds",
    "weight",
    "s a design",
)

FAMILIES = ("proxy", "family", "pairs", "right", "params right")


def write_folder(folder: Path, cards: Sequence[Card], rows: Sequence[ScoreRow]) -> None:
    """Write ``scores.csv``, ``cards.json`` and ``cards.md``; of training proxies ``trained.csv`` and ``curves.csv``.

    Rows that are in the folder's tables stay, unless there is a new row of the same measurement.
    """
    shown = {card.proxy for card in cards}
    for name, new in (
        (SCORES, [row for row in rows if not row.trained]),
        (TRAINED_FILE, [row for row in rows if row.trained and row.proxy in shown]),
    ):
        if new:
            write_table(folder / name, merged(_rows_of(folder / name), new))
    write_curves(folder, [row for row in rows if row.trained and row.proxy in shown])
    write_json(folder / CARDS, [card.to_json() for card in cards])
    text = markdown(pd.DataFrame(list(map(cells, cards)), columns=HEADINGS))
    if inside := family_cells(cards):
        text += "\nInside a family, training proxies beside params on the same pairs:\n\n" + markdown(
            pd.DataFrame(inside, columns=FAMILIES)
        )
    if off := held_cells(cards):
        text += "\nErrors of estimates, in points of top-1:\n\n" + markdown(pd.DataFrame(off, columns=HELD))
    text += "".join(f"\n{line}.\n" for line in map(points, cards) if line)
    write_atomic(folder / "cards.md", text)


def folder_rows(folder: Path) -> list[ScoreRow]:
    """Return the rows of a folder's tables, if it has any."""
    return [row for name in (SCORES, TRAINED_FILE) for row in _rows_of(folder / name)]


def merged(*tables: Iterable[ScoreRow]) -> list[ScoreRow]:
    """Return one row for each measurement, from the last table that has one."""
    return list({row.key: row for rows in tables for row in rows}.values())


def _rows_of(path: Path) -> list[ScoreRow]:
    return read_table(path) if path.is_file() else []


def family_cells(cards: Sequence[Card]) -> list[tuple[str, ...]]:
    """Return the lines of the table `FAMILIES`: the pairs of each family as training proxies order them."""
    return [
        (card.proxy, family, str(found["pairs"]), f"{found['pair_accuracy']:.1%}", f"{found['params_accuracy']:.1%}")
        for card in cards
        if trains(card.proxy) and card.mae is None  # an estimate is no proxy
        for family, found in card.leave_one_family_out.items()
        if found["pairs"]
    ]


def cells(card: Card) -> tuple[str, ...]:
    """Return a card as a line of the table `HEADINGS`; intervals are 90 % intervals."""
    name = card.proxy + (f" ({card.init})" if card.init != "own" else "") + (" *" if card.default else "")
    return (
        name,
        _between(card.kendall_tau, card.tau_ci) + _of(card.anchors, len(main_anchors())),
        _share(card.pair_accuracy, card.pair_ci) + _of(card.pairs, len(ablation_pairs())),
        f"{card.hard_right:g} of {card.hard_pairs}",
        _number(card.bin_tau),
        _between(card.peers["kendall_tau"], card.peers["tau_ci"]),
        _number(card.seed_tau),
        "-" if card.weight is None else f"{card.weight:.0%}",
        f"{card.seconds_per_spec:.2f}" + (f", {card.failures} failed" if card.failures else ""),
    )


def held_cells(cards: Sequence[Card]) -> list[tuple[str, ...]]:
    """Return the lines of the table of errors, in points, of the cards that are of estimates of top-1."""
    return [errors.cells(card.proxy) for card in cards for errors in card.held]


def points(card: Card) -> str | None:
    """Say what an estimate of top-1 tells at similar FLOPs, and what it rests on; None of what is no estimate."""
    if card.mae is None:
        return None
    text = (
        f"{card.proxy}: tau of public networks at similar FLOPs and of different families "
        f"{card.public_tau_like_flops:.2f}"
    )
    return text + _evidence(card)


def _evidence(card: Card) -> str:
    """Say which proxies weigh something beside the prediction; empty of the prediction itself."""
    if not card.weights:
        return ""
    weighing = [f"{name} {weight:.0%}" for name, weight in card.weights.items() if weight]
    found = ", ".join(weighing) if weighing else f"none of {len(card.weights)} proxies does, so it is the prediction"
    return f"; what weighs as evidence: {found}"


def _of(count: int, usual: int) -> str:
    """Return the number of designs or pairs in words, if it is not the usual number."""
    return "" if count == usual else f" of {count}"


def _share(value: float | None, interval: tuple[float, float] | None) -> str:
    return "-" if value is None or interval is None else f"{value:.1%} [{interval[0]:.0%}, {interval[1]:.0%}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _between(value: float | None, interval: tuple[float, float] | None) -> str:
    return "-" if value is None or interval is None else f"{value:.3f} [{interval[0]:.2f}, {interval[1]:.2f}]"
