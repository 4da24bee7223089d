"""vitspace fidelity."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import command, console, print_json, refuse, track
from vitspace.cli.options import DEVICE, JSON

if TYPE_CHECKING:
    from vitspace.fidelity.cards import Card

#: Seconds after which a call without arguments measures no further design.
PATIENCE = 600
LEGEND = """\
tau: Kendall's, with published top-1; pairs: of ablation rows, ordered rightly; hard: those that params order wrongly
or tie; like FLOPs: anchors in one bin of FLOPs; timm: its networks; two seeds: tau between them; []: 90 % bootstrap
*: the default for screening and ordering designs at matched cost; combinations are fitted without the family they are
judged on. A score that counts params or layers is high here, and a search that maximises it stacks them"""


@command
def fidelity(
    proxies: list[str] = typer.Argument(
        None,
        help="Proxies, train:tiny and train:small,steps=300 among them; without any, all training-free ones.",
        show_default=False,
    ),
    data: str = typer.Option("", help="What training proxies train on, cifar10:DIR; else their own."),
    family: list[str] = typer.Option(None, help="Measure a family's designs only; repeatable."),
    table: list[str] = typer.Option(None, help="Measure the designs of an ablation table only, 'ems 3.5'; repeatable."),
    only: list[str] = typer.Option(None, help="Measure anchors, ablations or peers only; repeatable."),
    timeout: float = typer.Option(
        None, min=0, help="Seconds after which no further design is measured; 0 shows what is known."
    ),
    seeds: int = typer.Option(1, min=1, help="Seeds a design, averaged."),
    init: str = typer.Option("own", help="Initial weights: the network's own, common to all, or both."),
    fresh: bool = typer.Option(
        False, "--fresh", help="Take no committed score: measure all that this machine has not measured with this code."
    ),
    device: str = DEVICE,
    estimate: str = typer.Option(
        None, help="Estimate top-1 of a design instead: an anchor's id, a spec's .json, or the JSON itself."
    ),
    out: Path = typer.Option(None, help="Folder in which tables, cards and figures are written."),
    as_json: bool = JSON,
) -> None:
    """Show how far each proxy orders published designs as their accuracies do.

    What was measured is kept design by design, so that a stopped run goes on where it was, and a folder keeps the rows
    that were not measured now. Training proxies begin with the smallest designs; a card says of how many anchors and
    pairs it is, where that is not all.
    """
    if estimate is not None:
        beside: dict[str, Any] = {
            "proxies": proxies,
            "--data": data,
            "--family": family,
            "--table": table,
            "--only": only,
        }
        beside |= {"--timeout": timeout is not None, "--seeds": seeds > 1, "--init": init != "own", "--fresh": fresh}
        refuse("an estimate is of one design", beside | {"--device": device != "cpu", "--out": out})
        _estimate(estimate, as_json)
        return
    from vitspace.fidelity.designs import DesignFilter
    from vitspace.fidelity.jobs import FidelityRequest
    from vitspace.fidelity.judging import measure_and_judge

    inits = ("own", "common") if init == "both" else (init,)
    chosen = DesignFilter(tuple(family or ()), tuple(table or ()), tuple(only or ()))
    request = FidelityRequest(tuple(proxies or ()), seeds, inits, fresh, chosen, data)
    if timeout is None and not (proxies or fresh or seeds > 1):
        timeout = PATIENCE
    found = measure_and_judge(request, device, timeout, out, track)
    if as_json:
        print_json([card.to_json() for card in found.cards])
    else:
        _print(found.cards)
    if out:
        print(f"tables and figures: {out}", file=sys.stderr)


def _estimate(text: str, as_json: bool) -> None:
    from vitspace.design import read_spec
    from vitspace.fidelity.estimate import estimate

    name, spec = read_spec(text)
    found = estimate(spec)
    if as_json:
        print_json({"name": name, **vars(found)})
    else:
        print(f"{name}: {found}")


def _print(cards: "list[Card]") -> None:
    from rich.table import Table

    from vitspace.fidelity.folder import FAMILIES, HEADINGS, cells, family_cells, points

    for headings, lines in ((HEADINGS, list(map(cells, cards))), (FAMILIES, family_cells(cards))):
        table = Table(box=None, header_style="bold")
        for heading in headings:
            table.add_column(heading, justify="left" if heading == headings[0] else "right", no_wrap=True)
        for line in lines:
            table.add_row(*line)
        if lines:
            console().print(table)
    print(LEGEND)
    for card in cards:
        if line := points(card):
            print(line)
        for reason in card.reasons:
            print(f"{card.proxy}: {reason}")
