"""vitspace fidelity."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vitspace.cli import command, print_json

if TYPE_CHECKING:
    from vitspace.fidelity import Card, Job
    from vitspace.proxies._tables import ScoreRow

#: Seconds after which a call without arguments measures no further design.
PATIENCE = 600
#: Letters a line where the output is no terminal.
WIDTH = 132
LEGEND = """\
tau: Kendall's, with published top-1; pairs: of ablation rows, ordered rightly; hard: those that params order wrongly
or tie; like FLOPs: anchors in one bin of FLOPs; timm: its networks; two seeds: tau between them; []: 90 % bootstrap
*: the default for screening and ordering designs at matched cost; combinations are fitted without the family they are
judged on. A score that counts params or layers is high here, and a search that maximises it stacks them"""


@command
def fidelity(
    proxies: list[str] = typer.Argument(None, help="Proxies; without any, all training-free ones."),
    seeds: int = typer.Option(1, min=1, help="Seeds a design, averaged."),
    init: str = typer.Option("own", help="Initial weights: the network's own, common to all, or both."),
    fresh: bool = typer.Option(False, "--fresh", help="Measure everything anew."),
    device: str = typer.Option("cpu", help="Where networks run: cpu, cuda, auto."),
    estimate: str = typer.Option(
        None, help="Estimate top-1 of a design instead: an anchor's id, a spec's .json, or the JSON itself."
    ),
    out: Path = typer.Option(
        None, help="Folder of tables, cards and figures.  [default: reports/fidelity, where no proxy is named]"
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Show how far each proxy orders published designs as their accuracies do."""
    if estimate:
        _estimate(estimate, as_json)
        return
    from vitspace.fidelity import Request, known_rows, make_cards, plan
    from vitspace.fidelity.jobs import check_proxies
    from vitspace.proxies._device import check_device

    inits = ("own", "common") if init == "both" else (init,)
    request = Request(check_proxies(proxies or ()), seeds, inits, fresh)
    known = known_rows(request)
    jobs = plan(request, known, str(check_device(device)))
    measured = _run(jobs, None if proxies or fresh or seeds > 1 else PATIENCE)
    rows = list({row.key: row for row in [*known, *measured]}.values())
    cards = make_cards(request.proxies, inits, rows, _uncommitted(rows))
    if as_json:
        print_json([card.to_json() for card in cards])
    else:
        _print(cards)
    if out or not (as_json or proxies):
        folder = out or Path("reports") / "fidelity"
        _write(folder, cards, rows)
        print(f"tables and figures: {folder}", file=sys.stderr)


def _estimate(text: str, as_json: bool) -> None:
    from vitspace.design import read_spec
    from vitspace.fidelity.estimate import estimate

    name, spec = read_spec(text)
    found = estimate(spec)
    if as_json:
        print_json({"name": name, **vars(found)})
    else:
        print(f"{name}: {found}")


def _run(jobs: "list[Job]", patience: float | None) -> "list[ScoreRow]":
    from rich.console import Console
    from rich.progress import track

    from vitspace.fidelity import run

    rows: list[ScoreRow] = []
    start = time.monotonic()
    if not jobs:
        return rows
    for number, job in enumerate(track(jobs, "scoring published designs", console=Console(stderr=True))):
        if patience is not None and time.monotonic() - start > patience:
            left = len(jobs) - number
            print(f"{left} designs are left unscored after {patience} s; run again to go on", file=sys.stderr)
            break
        rows += run(job)
    return rows


def _uncommitted(rows: "list[ScoreRow]") -> frozenset[str]:
    from vitspace.proxies._tables import committed_rows

    committed = set(committed_rows())
    return frozenset(row.key for row in rows if row not in committed)


def _write(folder: Path, cards: "list[Card]", rows: "list[ScoreRow]") -> None:
    from vitspace.fidelity.figure import write_figures
    from vitspace.fidelity.folder import write_folder

    write_folder(folder, cards, rows)
    write_figures(folder, cards, rows)


def _print(cards: "list[Card]") -> None:
    from rich.console import Console
    from rich.table import Table

    from vitspace.fidelity.folder import HEADINGS, cells

    table = Table(box=None, header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == HEADINGS[0] else "right", no_wrap=True)
    for card in cards:
        table.add_row(*cells(card))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(table)
    print(LEGEND)
    for card in cards:
        for reason in card.reasons:
            print(f"{card.proxy}: {reason}")
