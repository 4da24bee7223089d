"""vitspace space compare, vitspace space axes."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import command_line, command_of, console, print_json
from vitspace.cli.options import STORAGE
from vitspace.cli.space import group

if TYPE_CHECKING:
    import pandas as pd

    from vitspace.analysis.observations import Observations
    from vitspace.analysis.scoring import Scored, Scorer
    from vitspace.space import Space
    from vitspace.spec import Spec

DATA_HELP = "What the proxy is fed: fractal, digits, imagefolder:DIR, cifar10:DIR, cifar100:DIR, hf:NAME."


@command_of(group, "compare")
def compare(
    spaces: list[str] = typer.Argument(help="Spaces, or paths to their .yaml."),
    budget: str = typer.Option(..., help="FLOPs: 1G is the band 0.9G..1G, 0.5G..1G itself."),
    params: str = typer.Option(None, help="Parameters: 25M."),
    n: int = typer.Option(200, "--n", "-n", min=2, help="Designs a space."),
    proxy: str = typer.Option("rank", help="What gives the score: a training-free score, or train:small."),
    data: str = typer.Option(None, help=f"{DATA_HELP} (default: fractal)"),
    seed: int = typer.Option(0, min=0, help="Of drawing and scoring."),
    device: str = typer.Option("cpu", help="Where networks run: cpu, cuda, auto."),
    out: Path = typer.Option(None, help="Folder of figure and tables. (default: reports/spaces/BUDGET-PROXY)"),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document, and write no folder without --out."),
) -> None:
    """Compare spaces at equal cost: how the scores of designs drawn uniformly from each are distributed."""
    from dataclasses import replace

    from vitspace.analysis.comparison import comparison_table, draw_sample, parse_band
    from vitspace.analysis.folder import write_comparison
    from vitspace.analysis.tables import shown_comparison
    from vitspace.space import load_space

    limits = parse_band(budget, params)
    loaded = {space.name: space for space in map(load_space, _distinct(spaces))}
    folder = _folder(out, f"{budget}-{proxy}", as_json)
    scorer = _scorer(proxy, data, device, seed)
    _say(f"band: {limits}")
    samples = []
    for space in loaded.values():
        _say(f"drawing from {space.name}")
        samples.append(draw_sample(space, limits, n, seed))
        if samples[-1].why:
            _say(f"{space.name}: {samples[-1].why}")
    designs = [(loaded[sample.space], spec) for sample in samples for spec in sample.specs]
    scored = iter(_score(scorer, designs))
    samples = [replace(s, scored=tuple(next(scored) for _ in s.specs)) for s in samples]
    table = comparison_table(samples)
    if folder:
        title = f"{proxy} score of designs, by space: {limits}"
        counted = " Designs are counted by FLOPs alone, and drawn within both limits." if params else ""
        words = _words(proxy, f"Band: {limits}.{counted} Seed {seed}.")
        write_comparison(folder, samples, title, f"{proxy} score", words)
    if as_json:
        setting: dict[str, Any] = {"budget": budget}
        setting |= {"band": [_finite(limit) for limit in limits.macs], "proxy": proxy, "n": n, "seed": seed}
        print_json(setting | {"spaces": _records(table), "report": str(folder) if folder else None})
        return
    _print(shown_comparison(table))
    print(f"figure and tables: {folder}")


@command_of(group, "axes")
def axes(
    source: str = typer.Argument(help="A stored study, a space, or a path to a space's .yaml."),
    storage: str = STORAGE,
    budget: str = typer.Option(None, help="FLOPs of designs to look at: 4G, 3.5G..4G."),
    n: int = typer.Option(None, "--n", "-n", min=8, help="Designs drawn from a space. (default: 200)"),
    proxy: str = typer.Option(None, help="What scores a space's designs; a study has its scores. (default: rank)"),
    data: str = typer.Option(None, help=f"{DATA_HELP} (default: fractal)"),
    seed: int = typer.Option(None, min=0, help="Of drawing and scoring. (default: 0)"),
    device: str = typer.Option(None, help="Where networks run: cpu, cuda, auto. (default: cpu)"),
    out: Path = typer.Option(None, help="Folder of figure and tables. (default: reports/axes/SOURCE)"),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document, and write no folder without --out."),
) -> None:
    """Show what each axis does to the score at equal FLOPs, how important it is, and which value the data prefer."""
    from vitspace.analysis.effects import all_effects
    from vitspace.analysis.folder import write_axes
    from vitspace.analysis.importance import importances
    from vitspace.analysis.tables import axes_table, shown_axes, values_table
    from vitspace.budget import Budget

    limits = Budget.parse(budget)
    title = Path(source).stem if _is_space(source) else source
    folder = _folder(out, title, as_json, "axes")
    if _is_space(source):
        proxy = proxy or "rank"
        seed = seed or 0
        scorer = _scorer(proxy, data, device or "cpu", seed)
        seen, words = _drawn(source, limits, n or 200, seed, scorer), f"Designs drawn uniformly within {limits}."
    else:
        seen, proxy, words = _of_study(
            source, storage, limits, {"--n": n, "--proxy": proxy, "--data": data, "--seed": seed, "--device": device}
        )
    effects, importance = all_effects(seen), importances(seen)
    table = axes_table(effects, importance)
    words = f"{len(seen.scores)} designs, {seen.left_out} left out (failed, or outside the space). {words}"
    if folder:
        write_axes(folder, effects, importance, f"{proxy} score by the axes of {title}", _words(proxy, words))
    if as_json:
        found = {"source": source, "space": seen.space, "proxy": proxy, "designs": len(seen.scores)}
        rows = {"axes": _records(table), "values": _records(values_table(effects))}
        print_json(found | rows | {"report": str(folder) if folder else None})
        return
    _print(shown_axes(table))
    print(words)
    print(f"figure and tables: {folder}")


def _distinct(spaces: Sequence[str]) -> list[str]:
    from vitspace.errors import InputError

    names = [Path(space).stem for space in spaces]
    if len(set(names)) < len(names):
        raise InputError(f"each space is compared once, but got {', '.join(spaces)}")
    return list(spaces)


def _folder(out: Path | None, name: str, as_json: bool, kind: str = "spaces") -> Path | None:
    from vitspace.report import check_folder

    if as_json and not out:
        return None
    return check_folder(out or Path("reports") / kind / name.replace(":", "-").replace("/", "_"))


def _scorer(proxy: str, data: str | None, device: str, seed: int) -> "Scorer":
    from vitspace.analysis.scoring import Scorer
    from vitspace.proxies import open_proxy, part_data

    name, data = part_data(proxy, data)
    return Scorer(open_proxy(name, data or "fractal", device, seed), seed)


def _score(scorer: "Scorer", designs: "Sequence[tuple[Space, Spec]]") -> "list[Scored]":
    """Score designs behind a bar; what is scored when the user stops is kept."""
    from rich.console import Console
    from rich.progress import track

    found: list[Scored] = []
    try:
        for space, spec in track(designs, "scoring designs", console=Console(stderr=True)):
            found.append(scorer.score(spec, space.resolution))
    except KeyboardInterrupt:
        _say(f"{len(found)} of {len(designs)} scores are kept; the same command goes on from there")
        raise
    return found


def _is_space(source: str) -> bool:
    from vitspace.files import data_names

    return source.endswith((".yaml", ".yml")) or source in data_names("spaces", nested=True)


def _drawn(source: str, limits: Any, n: int, seed: int, scorer: "Scorer") -> "Observations":
    from vitspace.analysis.observations import of_scored
    from vitspace.space import load_space

    space = load_space(source)
    _say(f"drawing from {space.name}")
    return of_scored(space, _score(scorer, [(space, spec) for spec in space.draw(n, limits, seed)]))


def _of_study(source: str, storage: str, limits: Any, given: dict[str, Any]) -> "tuple[Observations, str, str]":
    from vitspace.analysis.observations import of_study
    from vitspace.errors import InputError
    from vitspace.space import load_space
    from vitspace.study.store import StudyStore

    if refused := [name for name, value in given.items() if value is not None]:
        raise InputError(f"a study has its designs and scores, but got {' and '.join(refused)}, which only spaces take")
    record = StudyStore.open(storage, source).record()
    words = "Trials were proposed by a search, which looks more closely where scores are high: effects are biased so."
    return of_study(load_space(record.config.space), record, limits), record.config.proxy, words


def _words(proxy: str, setting: str) -> str:
    """Say how a report was made, and what a training-free score is worth."""
    from vitspace.costs import CONVENTION
    from vitspace.proxies import CAUTION, TRAINING

    free = proxy.partition(":")[0] not in TRAINING
    caution = f"\n\n{CAUTION.format(name=proxy)}. No accuracy was measured." if free else ""
    return f"```\n{command_line()}\n```\n\n{setting} FLOPs: {CONVENTION}.{caution}"


def _records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return rows as JSON can hold them."""
    import json

    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return rows


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _print(shown: "pd.DataFrame") -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in shown.columns:
        table.add_column(column)
    for row in shown.to_numpy().tolist():
        table.add_row(*row)
    console().print(table)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
