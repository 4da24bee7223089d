"""vitspace space compare, vitspace space axes."""

from pathlib import Path

import typer

from vitspace.cli import command_line, command_of, print_json, print_table, refuse, say, track
from vitspace.cli.options import BUDGET, DATA, DEVICE, IMG_SIZE, JSON_ALONE, PARAMS, STORAGE, TASK, read_size
from vitspace.cli.space import group
from vitspace.image_sizes import format_image_size
from vitspace.tasks.heads import CLASSIFICATION


@command_of(group, "compare")
def compare(
    spaces: list[str] = typer.Argument(help="Spaces, or paths to their .yaml."),
    budget: str = typer.Option(..., help="FLOPs: 1G is the band 0.9G..1G, 0.5G..1G itself."),
    params: str = PARAMS,
    img_size: str = IMG_SIZE,
    task: str = TASK,
    n: int = typer.Option(200, "--n", "-n", min=2, help="Designs drawn from each space."),
    proxy: str = typer.Option("rank", help="The proxy: a training-free score, or train:small."),
    data: str = DATA,
    seed: int = typer.Option(0, min=0, help="Seed of draws and scores."),
    device: str = DEVICE,
    out: Path = typer.Option(None, help="Folder of figure and tables. (default: reports/spaces/BUDGET-PROXY)"),
    as_json: bool = JSON_ALONE,
) -> None:
    """Compare spaces at equal cost by the distributions of the scores of designs drawn uniformly from each."""
    from vitspace.analysis.comparison import parse_band
    from vitspace.analysis.scoring import Scoring
    from vitspace.analysis.spaces import compare_spaces
    from vitspace.analysis.tables import shown_comparison

    side = read_size(img_size)
    size = (f"-{task}" if task else "") + (f"-{format_image_size(side)}px" if side else "")
    folder = _folder(out, "spaces", f"{budget}-{proxy}{size}", as_json)
    scoring = Scoring(proxy, data, seed, device)
    band, purpose = parse_band(budget, params), task or CLASSIFICATION
    found = compare_spaces(spaces, band, n, scoring, folder, command_line(), track, side, purpose)
    if as_json:
        print_json({"budget": budget} | found.to_json())
        return
    shown = shown_comparison(found.table)
    print_table(shown.columns, shown.to_numpy().tolist())
    say(f"figure and tables: {folder}")


@command_of(group, "axes")
def axes(
    source: str = typer.Argument(help="A stored study, a space, or a path to a space's .yaml."),
    storage: str = STORAGE,
    budget: str = BUDGET,
    n: int = typer.Option(None, "--n", "-n", min=8, help="Designs drawn from a space. (default: 200)"),
    proxy: str = typer.Option(None, help="The proxy that scores a space's designs; not for a study. (default: rank)"),
    data: str = DATA,
    seed: int = typer.Option(None, min=0, help="Seed of draws and scores. (default: 0)"),
    device: str = typer.Option(None, help="Where networks run: cpu, cuda, auto. (default: cpu)"),
    out: Path = typer.Option(None, help="Folder of figure and tables. (default: reports/axes/SPACE-PROXY or STUDY)"),
    as_json: bool = JSON_ALONE,
) -> None:
    """Show the effect of each axis on the score at equal FLOPs, its importance, and the value that the data prefer."""
    from vitspace.analysis.axes import space_axes, study_axes
    from vitspace.analysis.scoring import Scoring
    from vitspace.analysis.tables import shown_axes
    from vitspace.files import is_yaml_name

    is_space = is_yaml_name(source, "spaces")
    folder = _folder(out, "axes", f"{Path(source).stem}-{proxy or 'rank'}" if is_space else source, as_json)
    if is_space:
        scoring = Scoring(proxy or "rank", data, seed or 0, device or "cpu")
        found = space_axes(source, budget, n or 200, scoring, folder, command_line(), track)
    else:
        given = {"--n": n, "--proxy": proxy, "--data": data, "--seed": seed, "--device": device}
        refuse("a study has its designs and scores", {name: value is not None for name, value in given.items()})
        found = study_axes(source, storage, budget, folder, command_line())
    if as_json:
        print_json({"source": source} | found.to_json() | {"report": str(folder) if folder else None})
        return
    shown = shown_axes(found.table)
    print_table(shown.columns, shown.to_numpy().tolist())
    say(found.note)
    say(f"figure and tables: {folder}")


def _folder(out: Path | None, kind: str, name: str, as_json: bool) -> Path | None:
    """Return where a report goes: where it was asked for, or to a default unless JSON is printed."""
    if as_json and not out:
        return None
    return out or Path("reports") / kind / name.replace(":", "-").replace("/", "_")
