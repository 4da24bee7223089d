"""Tables and figures of what `ranking.py` measured: how each score orders the designs that were trained alone."""

import csv
import fcntl
import io
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vitspace.anchors.references import ablation_pairs
from vitspace.costs import cost
from vitspace.pareto import non_dominated
from vitspace.proxies.score_tables import ScoreRow, committed_rows
from vitspace.statistics import interval, kendall, resamples, rightness

ALONE = "trained alone"

FIELDS = {
    "designs": ("space", "design", "macs", "params", "spec"),
    "alone": ("space", "design", "seed", "loss", "accuracy", "train_loss", "seconds", "recipe"),
    "shared": ("space", "factor", "seed", "steps", "seconds", "budget"),
    "scores": ("space", "design", "score", "value", "seconds"),
    "gain": ("space", "design", "begin", "step", "val_loss", "accuracy", "seconds"),
    "pairs": ("space", "design", "score", "value", "seconds"),
    "trained": tuple(field.name for field in fields(ScoreRow)),
}
KEYS = {
    "alone": ("space", "design", "seed"),
    "shared": ("space", "factor", "seed"),
    "scores": ("space", "design", "score"),
    "gain": ("space", "begin"),
    "pairs": ("space", "design", "score"),
    "trained": ("proxy", "spec"),
}


def read(out: Path, name: str) -> list[dict[str, str]]:
    """Return a table's rows."""
    return list(csv.DictReader(io.StringIO(_text(out, name))))


def has(out: Path, name: str, *key: object) -> bool:
    """Whether a table has a row; it is read again only once it has grown, by this process or another."""
    path = out / f"{name}.csv"
    return path.exists() and tuple(map(str, key)) in _keys(out, name, path.stat().st_size)


@lru_cache(maxsize=len(KEYS))
def _keys(out: Path, name: str, size: int) -> set[tuple[str, ...]]:
    """Return what tells the rows of a table of a size apart."""
    return {tuple(row[field] for field in KEYS[name]) for row in read(out, name)}


def _text(out: Path, name: str) -> str:
    path = out / f"{name}.csv"
    return _whole_lines(path.read_text()) if path.exists() else ""


def append(out: Path, name: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Append rows to a table; several processes may."""
    with (out / f"{name}.csv").open("a+", newline="") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        kept = _whole_lines(file.read())
        file.truncate(len(kept.encode()))
        writer = csv.writer(file, lineterminator="\n")
        if not kept:
            writer.writerow(FIELDS[name])
        writer.writerows([f"{each:.6g}" if isinstance(each, float) else each for each in row] for row in rows)
    print(name, *rows[0][:3], flush=True)


def _whole_lines(text: str) -> str:
    """Return a text without its last line where a kill cut that."""
    return text[: text.rfind("\n") + 1]


def report(out: Path) -> str:
    """Write the tables and figures of what is there, and return the tables."""
    designs, parts = frame(out, "designs"), []
    for space in dict.fromkeys(designs.space if len(designs) else ()):
        found = orders(out, space)
        if len(found):
            found.to_csv(out / f"tau-{space}.csv", index=False, float_format="%.4g")
            parts.append(f"### {space}\n\n{_markdown(found)}\n{_again(out, space)}")
    if len(found := right_pairs(out)):
        found.to_csv(out / "right-pairs.csv", index=False, float_format="%.4g")
        parts.append(f"### Ablation pairs\n\n{_markdown(found)}")
    if len(found := frame(out, "gain")):
        parts.append("### From shared weights\n\n" + "\n".join(sooner(found)) + "\n")
        draw_gain(found).savefig(out / "gain.png", dpi=130)
    text = "\n".join(parts)
    if text:
        (out / "tables.md").write_text(text)
        if len(designs):
            draw(out).savefig(out / "ranking.png", dpi=130)
    return text


def frame(out: Path, name: str) -> pd.DataFrame:
    """Return a table, numbers as such."""
    text = _text(out, name)
    return pd.read_csv(io.StringIO(text)) if text else pd.DataFrame()


def truth(out: Path, space: str) -> pd.DataFrame:
    """Negative validation loss of the designs trained alone: [designs, seeds], for whole seeds alone."""
    rows = frame(out, "alone")
    if not len(rows):
        return pd.DataFrame()
    table = rows[rows.space == space].assign(value=-rows.loss).pivot(index="design", columns="seed", values="value")
    whole = table.dropna(axis=1)
    return whole if whole.shape[1] else table.iloc[:, :1].dropna()


def orders(out: Path, space: str) -> pd.DataFrame:
    """Return a row a score: Kendall's tau with the mean score of the designs trained alone, its interval, seconds."""
    known, rows = truth(out, space), []
    if len(known) < 3:
        return pd.DataFrame()
    designs, scores, shared = (frame(out, name) for name in ("designs", "scores", "shared"))
    ends = known.mean(axis=1)
    columns = {name: designs.set_index("design")[name] for name in ("params", "macs")}
    taken = dict.fromkeys(columns, 0.0)
    for name, part in scores[scores.space == space].groupby("score", sort=False) if len(scores) else ():
        columns[name], taken[name] = part.set_index("design").value.dropna(), part.seconds.mean()
    training = {f"shared {row.factor}x seed {row.seed}": row.seconds for row in _of(shared, space)}
    for name, values in columns.items():
        both = [design for design in ends.index if design in values.index]
        if len(both) > 2:
            tau, span = tau_of(values[both], ends[both])
            once = training.get(name, 0.0)
            rows.append((name, len(both), tau, *span, once, taken[name]))
    fields = ["score", "designs", "tau", "low", "high", "seconds once", "seconds a design"]
    return pd.DataFrame(rows, columns=fields).sort_values("tau", ascending=False)


def _of(table: pd.DataFrame, space: str) -> Sequence:
    return list(table[table.space == space].itertuples()) if len(table) else []


def tau_of(x: Sequence[float], y: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Return Kendall's tau-b, and its 90 % interval over designs drawn anew."""
    nan = (float("nan"), float("nan"))
    return float(kendall(x, y)[0]), interval(kendall(x, y, resamples(len(x)))) or nan


def _again(out: Path, space: str) -> str:
    """Say how far the truth agrees with itself, and shared weights with those of another seed."""
    lines, known = [], truth(out, space)
    costs = frame(out, "designs").set_index("design")[["macs"]]
    spread = known.mean(axis=1).std()
    lines.append(f"\n{len(known)} designs, {known.shape[1]} seed(s); their losses have a standard deviation of")
    lines.append(f"{spread:.3f} nats.")
    if known.shape[1] > 1:
        one, other = (known.iloc[:, k] for k in (0, 1))
        tau, (low, high) = tau_of(one, other)
        noise = float((one - other).std() / np.sqrt(2))
        lines.append(f"Two seeds of one design differ by {noise:.3f} nats (standard deviation of one training);")
        lines.append(
            f"their orders agree with tau {tau:.2f} [{low:.2f}, {high:.2f}]; {stays(known.iloc[:, :2], costs)}."
        )
    scores = frame(out, "scores")
    scores = scores[scores.space == space] if len(scores) else scores
    table = scores.pivot(index="design", columns="score", values="value") if len(scores) else scores
    for first in [name for name in table.columns if name.endswith("seed 0")]:
        second = first.replace("seed 0", "seed 1")
        if second in table:
            both = table[[first, second]].dropna()
            tau, (low, high) = tau_of(both[first], both[second])
            lines.append(
                f"{first.removesuffix(' seed 0')} with another seed orders them alike with tau {tau:.2f} "
                f"[{low:.2f}, {high:.2f}]; {stays(both, costs)}."
            )
    return "\n".join(lines) + "\n"


def stays(both: pd.DataFrame, costs: pd.DataFrame, best: int = 5) -> str:
    """Say which conclusions of a search by one score stay by another.

    Args:
        both: Two scores of the same designs, the larger the better: [designs, 2].
        costs: What designs cost, the smaller the better: [designs, costs].
        best: Designs that count as leading.
    """
    one, other = (both[name] for name in both)
    fronts = [front(score, costs) for score in (one, other)]
    tops = [set(score.nlargest(best).index) for score in (one, other)]
    places = [int(b.rank(ascending=False)[a.idxmax()]) for a, b in ((one, other), (other, one))]
    return (
        f"of the best {best} {len(tops[0] & tops[1])} stay, {len(fronts[0] & fronts[1])} are on both fronts of score "
        f"and cost, which have {len(fronts[0])} and {len(fronts[1])}, and the best by each is number {places[0]} and "
        f"{places[1]} of {len(both)} by the other"
    )


def front(score: pd.Series, costs: pd.DataFrame) -> set[str]:
    """Return the designs that none beats in score and costs at once."""
    points = np.column_stack([-score, costs.loc[score.index]])
    return set(score.index[non_dominated(points)])


def right_pairs(out: Path) -> pd.DataFrame:
    """Return a row a space and score: the share of ablation pairs that are ordered as published, and its interval."""
    measured = frame(out, "pairs")
    if not len(measured):
        return pd.DataFrame()
    scored: dict[str, dict[str, list[float]]] = {}
    for row in measured.itertuples():
        scored.setdefault(row.score, {}).setdefault(row.design, []).append(row.value)
    ids = set(measured.design)
    for row in committed_rows():
        if row.spec in ids and row.value is not None and row.init == "own":
            scored.setdefault(row.proxy, {}).setdefault(row.spec, []).append(row.value)
    pairs = [pair for pair in ablation_pairs() if all(spec.id in ids for spec in pair.specs)]
    for spec in dict.fromkeys(spec for pair in pairs for spec in pair.specs):
        scored.setdefault("params", {})[spec.id] = [float(cost(spec).params)]
    rows = []
    for family in dict.fromkeys(pair.family for pair in pairs):
        for name, values in scored.items():
            own = [pair for pair in pairs if pair.family == family and all(s.id in values for s in pair.specs)]
            if own:
                gaps = [np.mean(values[a.id]) - np.mean(values[b.id]) for a, b in (pair.specs for pair in own)]
                right = rightness(gaps, [pair.difference for pair in own])
                span = interval(resamples(len(own)) @ right / len(own)) or (np.nan, np.nan)
                rows.append((family, name, len(own), right.mean(), *span))
    found = pd.DataFrame(rows, columns=["space", "score", "pairs", "right", "low", "high"])
    return found.sort_values(["space", "right"], ascending=[True, False])


def sooner(gain: pd.DataFrame) -> list[str]:
    """Say after how many steps a training from shared weights reaches the end of the one from scratch."""
    lines = []
    for (space, design), part in gain.groupby(["space", "design"]):
        curves = {name: one.set_index("step").val_loss for name, one in part.groupby("begin")}
        end, last = curves["scratch"].iloc[-1], curves["scratch"].index[-1]
        for name in (name for name in curves if name != "scratch"):
            above = curves[name].index[curves[name] > end]
            stays = curves[name].index[curves[name].index > above.max()] if len(above) else curves[name].index
            reached = f"stays below it from step {stays[0]} on" if len(stays) else "does not stay below it"
            there = curves[name].index[curves[name] <= end]
            reached = f"is there after {there[0]} steps and {reached}" if len(there) else "never is"
            lines.append(
                f"{space} {design}: from scratch the validation loss is {end:.3f} after {last} steps. "
                f"{name[0].upper()}{name[1:]} {reached}; "
                f"it begins at {curves[name].iloc[0]:.3f} and ends at {curves[name].iloc[-1]:.3f}."
            )
    return lines


def draw(out: Path) -> Figure:
    """Draw each score's tau with its interval, a panel a space."""
    designs = frame(out, "designs")
    tables = {space: found for space in dict.fromkeys(designs.space) if len(found := orders(out, space))}
    figure = Figure(figsize=(4.6 * max(1, len(tables)), 5.2), layout="constrained")
    for axes, (space, found) in zip(
        figure.subplots(1, max(1, len(tables)), squeeze=False)[0], tables.items(), strict=False
    ):
        found = found[found.score != "macs"].iloc[::-1]
        colours = ["#D55E00" if name.startswith("shared") else "#0072B2" for name in found.score]
        axes.hlines(found.score, found.low, found.high, color=colours)
        axes.scatter(found.tau, found.score, color=colours, zorder=3)
        axes.axvline(0, color="0.6", linewidth=0.8, linestyle=":")
        axes.set(xlim=(-1, 1), xlabel="Kendall's tau with designs trained alone")
        axes.set_title(space, loc="left", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_gain(gain: pd.DataFrame) -> Figure:
    """Draw validation losses against steps."""
    spaces = list(dict.fromkeys(gain.space))
    figure = Figure(figsize=(4.6 * len(spaces), 3.8), layout="constrained")
    for axes, space in zip(figure.subplots(1, len(spaces), squeeze=False)[0], spaces, strict=True):
        own = gain[gain.space == space]
        for name, part in own.groupby("begin", sort=False):
            axes.plot(part.step, part.val_loss, marker="o", markersize=3, label=name)
        axes.axhline(own[own.begin == "scratch"].val_loss.iloc[-1], color="0.6", linewidth=0.8, linestyle=":")
        axes.set(xlabel="steps", ylabel="validation loss, nats")
        axes.set_title(space, loc="left", fontsize=11)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _markdown(found: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(found.columns) + " |", "|" + " --- |" * len(found.columns)]
    for row in found.itertuples(index=False):
        cells = [f"{each:.2f}" if isinstance(each, float) else str(each) for each in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
