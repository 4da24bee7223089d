"""What the page says, as plain records; the template writes them down."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from vitspace.plots.formats import COLUMNS, is_number, readable, shown_columns
from vitspace.report.check import learning_words
from vitspace.report.choice import Choice, chosen_few, rule_words
from vitspace.report.compare import Comparison
from vitspace.report.finalists import chosen_designs
from vitspace.report.history import history
from vitspace.report.names import latency_name, trial_name
from vitspace.report.noise import noise_limit
from vitspace.report.points import TIE_RULE, estimate_words, plus_minus
from vitspace.report.proxy import proxy_word, rests_on, trains_each
from vitspace.report.references import NEAR
from vitspace.report.settings import settings
from vitspace.report.tables import for_reading, front_shown, trials_table
from vitspace.report.tasks import carried_words
from vitspace.report.words import score_word, select_command
from vitspace.statistics import finite
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.units import format_score, format_seconds
from vitspace.words import plural

#: Columns that come after the others, and those of words, which need room.
_LAST = ("dim", "depth", "settings")
_LONG = ("settings", "why", "note", "standing", "example", "outside")


@dataclass(frozen=True)
class Cell:
    """A cell as read, as sorted, and the share of the column's largest value for a bar below it."""

    text: str
    key: str = ""
    bar: float | None = None


@dataclass(frozen=True)
class GridRow:
    """A row, with its classes and the states by which it is filtered."""

    cells: list[Cell]
    classes: str = ""
    states: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: headings, whether each stands over numbers, over words that need room, and the rows."""

    headings: list[tuple[str, bool, bool]]
    rows: list[GridRow]


@dataclass(frozen=True)
class DesignCard:
    """One of the chosen few."""

    title: str
    why: str
    name: str
    star: bool
    drawing: str
    facts: list[tuple[str, str]]
    settings: str
    estimate: str
    doubt: str = ""
    commands: list[str] = field(default_factory=list)


def grid(frame: pd.DataFrame, bars: tuple[str, ...] = ()) -> Grid:
    """Make a table of a frame's readable columns: numbers first, since words are what a narrow screen cuts off."""
    shown = readable(frame)
    names = sorted(shown_columns(frame), key=lambda name: name in _LAST)
    shown = shown[[COLUMNS[name][0] for name in names]]
    headings = [(COLUMNS[name][0], is_number(COLUMNS[name][0]), name in _LONG) for name in names]
    largest = {name: frame[name].abs().max() for name in bars if name in frame}
    rows = []
    for values, (_, raw) in zip(shown.to_numpy().tolist(), frame.iterrows(), strict=True):
        cells = [
            Cell(text, _key(raw[name]), _bar(raw[name], largest.get(name)))
            for text, name in zip(values, names, strict=True)
        ]
        rows.append(GridRow(cells))
    return Grid(headings, rows)


def facts(record: StudyRecord) -> list[tuple[str, str]]:
    """The numbers at the head of the page."""
    screened = record.screening.get("designs")
    return [
        *([("designs screened", f"{screened:,}")] if screened else []),
        ("designs with a score", str(len(record.completed))),
        ("on the front", str(len(record.front))),
        ("not complete", str(len(record.trials) - len(record.completed))),
        ("best estimated top-1, %" if record.in_points else "best score", _best(record)),
        ("hypervolume", f"{record.hypervolume:.4f}"),
        ("searched for", format_seconds(record.seconds) if record.seconds else "-"),
    ]


def _best(record: StudyRecord) -> str:
    """The best score; in points that of the searched designs."""
    searched = [t for t in record.completed if not (record.in_points and t.anchor)]
    if not searched:
        return "-"
    best = min(searched, key=lambda trial: trial.point)
    return _score(record, best)


def _score(record: StudyRecord, trial: Trial) -> str:
    score = -trial.point[0]
    if not record.in_points:
        return f"{score:.3f}"
    return plus_minus(score, finite(trial.score_std) if trial.published_top1 is None else None)


def cards(record: StudyRecord) -> list[DesignCard]:
    """The chosen few."""
    return [_card(record, choice) for choice in chosen_few(record)]


def _card(record: StudyRecord, choice: Choice) -> DesignCard:
    trial = choice.trial
    assert trial.spec is not None
    _, macs, ms = trial.point
    kind = "estimated" if trial.published_top1 is None else "published"
    values = [
        ("trial", str(trial.number)),
        ("FLOPs", f"{macs / 1e9:.2f} G"),
        ("params", f"{trial.params / 1e6:.1f} M" if trial.params else "-"),
        (latency_name(record), f"{ms:.1f} ms{', unsure' if trial.latency_doubt else ''}"),
        ("score" if not record.in_points else f"{kind} top-1, %", _score(record, trial)),
    ]
    proxy = finite(trial.proxy_score) if record.in_points else None
    values += [(proxy_word(record), format_score(proxy, digits=3))] if proxy is not None else []
    accuracy = finite(trial.details.get("accuracy"))
    values += [("proxy accuracy", f"{100 * accuracy:.1f} %")] if accuracy is not None else []
    shown = {name: value for name, value in settings(trial.spec).items() if name not in ("dim", "depth")}
    unsure = f"The latency is unsure: {trial.latency_doubt}." if trial.latency_doubt else ""
    doubts = learning_words(record, trial), unsure
    return DesignCard(
        title=choice.title,
        why="; ".join(rule_words(record, rule) for rule in choice.rules) + ".",
        name=trial_name(trial),
        star=bool(trial.anchor),
        drawing=trial.spec.drawing,
        facts=values,
        settings=", ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown.items()),
        estimate=" ".join(text for text in (estimate_words(record, trial), carried_words(record, trial)) if text),
        doubt=" ".join(text for text in doubts if text),
        commands=[select_command(record, trial)],
    )


def chosen_note(record: StudyRecord) -> str:
    """What within noise means here, or a tie."""
    if record.in_points:
        return TIE_RULE
    if settled := rests_on(record):
        return f"Scores rest on {settled}, and on no seed, so only the best score itself counts as the best."
    limit = noise_limit(record)
    if limit is None:
        return "The noise between seeds was not measured, so only the best score itself counts as the best."
    if not limit:
        return "Two seeds gave one design the same score, so only the best score itself counts as the best."
    return f"Within noise: scores less than {limit:.3f} below the best are not told from it."


def noise_words(record: StudyRecord) -> str:
    """How large a difference of scores must be to mean something."""
    if record.in_points:
        return "In brackets behind points of top-1: the 90 % interval of the difference."
    limit = noise_limit(record)
    return f"Score differences up to {limit:.3f} are within noise." if limit else ""


def views_note(record: StudyRecord) -> str:
    """What the marks of the figures are."""
    front = f"Blue: on the front of {score_word(record)}, FLOPs and latency together; grey: off that front."
    if not record.in_points:
        how = "trained" if trains_each(record) else "scored"
        return f"Stars are published designs, {how} and timed exactly as the candidates are. {front}"
    public = (
        f"; hollow stars: published designs that were not run; small diamonds: public networks within {NEAR:g} points "
        "of the best of their FLOPs, by their published results"
    )
    return (
        "Stars are published designs at their published accuracy, timed here as the candidates are; the hollow mark "
        "joined to a star is what is predicted without that result, so that the error is seen. Bars are 90 % "
        f"intervals. {front} Faint: designs that were screened{'' if record.task else public}.{_peers_note(record)}"
    )


def _peers_note(record: StudyRecord) -> str:
    if not record.peers:
        return ""
    return " Green diamonds with names: public networks at their published top-1; hollow, of another recipe."


def lost_words(record: StudyRecord) -> str:
    """How many designs were rejected or are undecided, and where they are seen."""
    costed = sum(1 for trial in record.trials if not trial.complete and trial.macs)
    lost = len(record.trials) - len(record.completed)
    if not lost:
        return ""
    return (
        f"{lost} designs are not complete; the {costed} of known FLOPs are ticks at the foot, where these are in view."
    )


def front_grid(record: StudyRecord) -> Grid:
    """The front, each design beside the nearest anchor."""
    frame = front_shown(record).drop(columns=["dim", "depth", "settings", "against_anchor"])
    made = grid(frame, bars=("flops_gap", "latency_gap"))
    classes = [f"front{' anchor' if isinstance(anchor, str) else ''}" for anchor in frame["anchor"]]
    rows = [GridRow(row.cells, kind) for row, kind in zip(made.rows, classes, strict=True)]
    return Grid(made.headings, rows)


def trials_grid(record: StudyRecord) -> tuple[Grid, list[tuple[str, str, int]]]:
    """Every trial, and the filters: (key, words, how many)."""
    frame = for_reading(record, trials_table(record))
    made, rows = grid(frame), []
    for row, (_, raw) in zip(made.rows, frame.iterrows(), strict=True):
        marks = [word for word, there in (("front", raw["front"]), ("anchor", isinstance(raw["anchor"], str))) if there]
        lost = [] if raw["state"] == "complete" else ["lost"]
        rows.append(GridRow(row.cells, " ".join([*marks, *lost]), " ".join(["all", raw["state"], *marks])))
    filters = [("all", "all", len(rows))]
    for key, words in (("front", "on the front"), ("anchor", "published"), *((s, s) for s in _states(frame))):
        filters.append((key, words.replace("_", " "), sum(key in row.states.split() for row in rows)))
    return Grid(made.headings, rows), [each for each in filters if each[2]]


def _states(frame: pd.DataFrame) -> list[str]:
    return sorted(set(frame["state"]), key=lambda state: (state != "complete", state))


def fronts_grid(comparison: Comparison) -> Grid:
    """The fronts of several studies; anchors are marked."""
    frame = for_reading(comparison.records[0], comparison.fronts()).drop(columns=["against_anchor", "settings"])
    made = grid(frame)
    classes = ["anchor" if isinstance(anchor, str) else "" for anchor in frame["anchor"]]
    return Grid(made.headings, [GridRow(row.cells, kind) for row, kind in zip(made.rows, classes, strict=True)])


def growth_words(record: StudyRecord) -> str:
    """What the hypervolume says, with what random draws reached."""
    found = history(record)
    volume = found.evaluations.volume
    if found.random is None:
        why = "fewer than two random draws"
        if screened := record.screening.get("designs"):
            proposed = len(record.completed) - len(record.anchors) - len(chosen_designs(record))
            others = f" and {proposed} were proposed by the sampler" if proposed else ""
            why = f"its designs were chosen from {screened:,} that were screened{others}, so none is a random draw"
        return f"The front dominates {volume[-1]:.4f} of the box under the reference point; {why}."
    count, reached = int(found.random.at[-1]), found.random.mean[-1]
    rest = len(record.completed) - count
    words = f"The anchors and the {plural(found.drawn, 'design')} drawn at random reached {reached:.4f}"
    if rest > 0:
        words += f"; the {rest} that the sampler proposed took it to {volume[-1]:.4f}"
    return (
        f"{words}. What {rest} more random draws would have reached was not run."
        if rest > 0
        else f"{words}, which is all there is: no sampler proposed anything."
    )


def _key(value: Any) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return ""
    return str(value)


def _bar(value: Any, largest: float | None) -> float | None:
    number = finite(value)
    return None if number is None or not largest else number / largest
