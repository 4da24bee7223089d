"""vitspace profile."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vitspace.cli import command, print_json
from vitspace.errors import InputError

if TYPE_CHECKING:
    from vitspace.costs.audit import AuditRow
    from vitspace.profile import Profile


@command
def profile(
    spec: str = typer.Argument(None, help="An anchor's id, a path to a spec's .json, or the JSON itself."),
    backend: list[str] = typer.Option(["eager"], help="eager, onnxruntime or openvino; repeatable."),
    threads: int = typer.Option(1, min=1, help="Threads when timing."),
    batch: int = typer.Option(1, min=1, help="Images at once when timing."),
    img_size: int = typer.Option(224, min=32, help="Side of the image in pixels."),
    audit: bool = typer.Option(False, "--audit", help="Count with fvcore and torch's counter too."),
    calibrate: bool = typer.Option(
        False, "--calibrate", help="Measure random designs of every space, to predict latency on this host; minutes."
    ),
    designs: int = typer.Option(40, min=5, help="With --calibrate: designs a space."),
    out: Path = typer.Option(None, help="The figure's folder.  [default: reports/profile-NAME]"),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Show where a network's params, FLOPs and milliseconds go, part by part."""
    from vitspace.latency import LatencySettings, check_backend
    from vitspace.profile import profile as run
    from vitspace.profile import read_spec

    if calibrate:
        _calibrate(backend, designs, as_json)
        return
    if spec is None:
        raise InputError("vitspace profile needs a design: an anchor's id, a spec's .json, or --calibrate")
    name, found = read_spec(spec)
    for each in backend:
        check_backend(each)
    settings = [LatencySettings(each, threads, batch, img_size=img_size) for each in backend]
    result = run(name, found, settings, img_size)
    rows = _audit(result) if audit else []
    if as_json:
        print_json(result.to_json() | ({"audit": [vars(row) for row in rows]} if rows else {}))
        return
    _print(result)
    if rows:
        _print_audit(rows)
    print(f"figure: {_write(result, out or Path('reports') / f'profile-{name}')}")


def _calibrate(backends: list[str], designs: int, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import track

    from vitspace.latency.calibrate import Measurements
    from vitspace.latency.predictor import held_out

    worth = {}
    for backend in backends:
        console = Console(stderr=True)
        steps = Measurements(backend, designs)
        samples = list(track(steps, f"measuring on {backend}", total=steps.total, console=console))
        worth[backend] = {name: vars(row) for name, row in held_out(samples)[0].items()}
    if as_json:
        print_json(worth)
        return
    for backend, rows in worth.items():
        for name, row in rows.items():
            print(
                f"{backend} {name}: {row['designs']} designs held out, {row['within_10']:.0%} within 10 %, "
                f"Kendall tau {row['tau']:.3f}, median error {row['median_error']:.1%}, worst {row['worst_error']:.0%}"
            )


def _audit(result: "Profile") -> "list[AuditRow]":
    from vitspace.costs.audit import audit

    return audit(result.spec, result.img_size)


def _write(result: "Profile", folder: Path) -> Path:
    from vitspace.profile.figure import profile_figure
    from vitspace.report.figures import save_figure

    save_figure(profile_figure(result), folder / "profile")
    return folder / "profile.png"


def _print(result: "Profile") -> None:
    from rich.console import Console
    from rich.table import Table

    from vitspace.costs import CONVENTION
    from vitspace.units import format_count

    table = Table("part", box=None, header_style="bold")
    for heading in ("params", "FLOPs", "ms", "share of ms"):
        table.add_column(heading, justify="right")
    total = sum(part.ms or 0.0 for part in result.parts)
    for part in result.parts:
        ms = "" if part.ms is None else f"{part.ms:.2f}"
        share = "" if part.ms is None else f"{part.ms / total:.1%}"
        table.add_row(part.name, format_count(part.params), format_count(part.macs), ms, share)
    console = Console(highlight=False)
    console.print(table)
    costs = result.costs
    macs, attention = format_count(costs.macs), format_count(costs.attention_macs)
    console.print(
        f"\n{result.name}: {costs.params:,} params, {macs} FLOPs ({attention} of them attention products), "
        f"{format_count(costs.activations)} activations"
    )
    for latency, predicted in zip(result.latency, result.predicted_ms, strict=True):
        console.print(
            f"{latency.backend}, {latency.threads} thread(s), batch {latency.batch}: {latency.median_ms:.1f} ms "
            f"(median; 10th to 90th percentile {latency.p10_ms:.1f} to {latency.p90_ms:.1f}; {latency.runs} runs)"
            f"{f'; predicted {predicted:.1f} ms' if predicted is not None else ''}"
            f"{f'; unsure: {latency.doubt}' if latency.doubt else ''}"
        )
    console.print(f"peak resident memory of this process: {result.peak_mb:.0f} MB")
    console.print(CONVENTION)


def _print_audit(rows: "list[AuditRow]") -> None:
    from rich.console import Console
    from rich.table import Table

    from vitspace.costs.audit import IGNORED

    table = Table("operator", box=None, header_style="bold")
    for heading in ("ours", "fvcore", "torch"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row.operator, *("" if n is None else f"{n:,}" for n in (row.ours, row.fvcore, row.torch)))
    console = Console(highlight=False)
    console.print("\nmultiply-adds by counter (torch's own count is twice that)")
    console.print(table)
    console.print(f"No counter counts {IGNORED}. fvcore alone counts norms, upsampling and sampling.")
