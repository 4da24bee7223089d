"""vitspace fidelity."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import command, print_json, print_table, refuse, say, track
from vitspace.cli.options import DEVICE, JSON

if TYPE_CHECKING:
    from vitspace.fidelity.cards import Card

#: Timeout in seconds of a call without arguments.
PATIENCE = 600
LEGEND = """\
tau: Kendall's tau between score and published top-1; pairs: ablation pairs in the right order; hard pairs: those that
params order wrongly or tie; similar FLOPs: among anchors in one range of FLOPs; timm: over networks of timm; two seeds:
tau between the scores of two seeds; weight: of the score as evidence beside the estimate top1; []: 90 % bootstrap
interval; *: the default for screening designs of equal cost.
Combinations are fitted without the family that they are judged on. A score that counts params or layers has a high tau,
but a search that maximises it only adds params or layers."""
HELD_LEGEND = """\
error, largest, bias: mean and largest absolute error, and mean of estimate less published, in points of top-1, each
network being estimated without its family or without itself; low: how many are estimated low."""


@command
def fidelity(
    proxies: list[str] = typer.Argument(
        None,
        help="Proxies: training-free scores, train:tiny, train:small,steps=300; top1 is the estimate of top-1, "
        "posterior that with what proxies tell. Without any: both, and all training-free scores.",
        show_default=False,
    ),
    data: str = typer.Option("", help="Data of training proxies, as cifar10:DIR. (default: their own)"),
    family: list[str] = typer.Option(None, help="Measure a family's designs only; repeatable."),
    table: list[str] = typer.Option(None, help="Measure the designs of an ablation table only, 'ems 3.5'; repeatable."),
    only: list[str] = typer.Option(None, help="Measure anchors, ablations or peers only; repeatable."),
    timeout: float = typer.Option(
        None, min=0, help="Seconds after which no further design is measured; 0 measures none."
    ),
    seeds: int = typer.Option(1, min=1, help="Seeds of each design; scores are averaged."),
    init: str = typer.Option("own", help="Initial weights: own (the network's), common to all, or both."),
    fresh: bool = typer.Option(
        False, "--fresh", help="Ignore committed scores; measure all that this machine has not measured with this code."
    ),
    device: str = DEVICE,
    estimate: str = typer.Option(
        None, help="Estimate top-1 of a design instead: an anchor's id, a spec's .json, or the JSON itself."
    ),
    out: Path = typer.Option(None, help="Folder for tables, report cards and figures."),
    as_json: bool = JSON,
) -> None:
    """Show how well the scores of each proxy order published designs, by their published accuracies.

    Each score is stored when it is measured, so a stopped run continues, and rows in the folder of --out are kept.
    Training proxies begin with the smallest designs. A report card that does not cover all anchors and pairs says so.
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
        say(f"tables and figures: {out}", file=sys.stderr)


def _estimate(text: str, as_json: bool) -> None:
    from vitspace.accuracy import predict_top1
    from vitspace.design import read_spec

    name, spec = read_spec(text)
    found = predict_top1(spec)
    if as_json:
        print_json({"name": name, **vars(found)})
    else:
        say(f"{name}: {found}")


def _print(cards: "list[Card]") -> None:
    from vitspace.fidelity.folder import FAMILIES, HEADINGS, HELD, cells, family_cells, held_cells, points

    for headings, lines in (
        (HEADINGS, list(map(cells, cards))),
        (FAMILIES, family_cells(cards)),
        (HELD, held_cells(cards)),
    ):
        if lines:
            print_table(headings, lines, numbers=True, wrap=False)
    say(LEGEND)
    if held_cells(cards):
        say(HELD_LEGEND)
    for card in cards:
        if words := points(card):
            say(words)
        for reason in card.reasons:
            say(f"{card.proxy}: {reason}")
