"""vitspace latency: kit, import, list."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import app, command_of, print_json, say, track
from vitspace.cli.options import BUDGET, IMG_SIZE, JSON, read_size
from vitspace.image_sizes import format_image_size
from vitspace.words import plural

if TYPE_CHECKING:
    from vitspace.latency.devices import Device

group = typer.Typer(no_args_is_help=True, help="Predict latency on other devices, from a kit that is timed there.")
app.add_typer(group, name="latency")


@command_of(group, "kit")
def kit(
    space: str = typer.Option("hybrid", help="The space whose designs are timed, or a path to its .yaml."),
    n: int = typer.Option(60, "-n", min=1, help="Designs, up to half of them the space's published ones."),
    budget: str = BUDGET,
    img_size: str = IMG_SIZE,
    seed: int = typer.Option(0, min=0, help="The same seed draws the same designs."),
    out: Path = typer.Option(Path("kit"), help="The folder to make."),
    as_json: bool = JSON,
) -> None:
    """Write networks of up to 5 GFLOPs, or a budget, as ONNX files, and a script that times them on another device.

    The device needs Python 3.8 or later and onnxruntime. There: python time_kit.py, which may be stopped and started.
    """
    from vitspace.profile.kit import KitRequest, make_kit

    made = make_kit(KitRequest(space, n, out, budget, seed, read_size(img_size)), track)
    if as_json:
        print_json(made | {"out": str(out)})
        return
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    what = f"{plural(len(made['networks']), 'design')} of {made['space']} at {format_image_size(made['img_size'])} px"
    say(f"kit {made['kit']}: {what} in {out}, {size:.0f} MB")
    say(f"copy {out} to the device; there: pip install onnxruntime && python time_kit.py")
    say("then here: vitspace latency import results.csv --name NAME")


@command_of(group, "import")
def import_results(
    results: Path = typer.Argument(help="The results.csv that the script of a kit wrote."),
    name: str = typer.Option(..., help="What the device is to be called: pi5."),
    kit: Path = typer.Option(None, help="The kit's folder or kit.json. (default: as kept where it was made here)"),
    replace: bool = typer.Option(False, "--replace", help="Replace a device of that name."),
    as_json: bool = JSON,
) -> None:
    """Fit a predictor of latency on a device to what its kit's script timed there, and keep it.

    A search takes it by name: --latency NAME:60ms.
    """
    from vitspace.latency.devices import add_device

    made = add_device(name, results, kit, replace)
    if as_json:
        print_json(_row(made))
        return
    say(*_lines(made), sep="\n")
    say(f"search for it: vitspace search --space hybrid --latency {name}:60ms")


@command_of(group, "list")
def list_devices(
    as_json: bool = JSON,
) -> None:
    """List the imported devices, and how well latency is predicted on each."""
    from vitspace.latency.devices import all_devices, devices_folder

    found, damaged = all_devices()
    for why in damaged:
        say(f"warning: {why}", file=sys.stderr)
    if as_json:
        print_json([_row(each) for each in found])
        return
    for each in found:
        say(*_lines(each), sep="\n")
    if not found and not damaged:
        say(f"no devices in {devices_folder()}")


def _row(made: "Device") -> dict[str, Any]:
    from vitspace.latency.devices import device_path

    return made.to_json() | {"path": str(device_path(made.name))}


def _lines(made: "Device") -> list[str]:
    from vitspace.latency.devices import device_path

    known = made.held_out
    within = ", ".join(f"{share} % within {known[f'within_{share}']:.1%}" for share in (80, 90, 95))
    return [
        f"{made.name}: " + ", ".join(made.facts[name] for name in ("device", "cpu", "system")),
        f"  onnxruntime {made.facts['onnxruntime']}, one thread, {format_image_size(made.img_size)} px; kit {made.kit}",
        f"  {plural(len(made.times), 'design')}, "
        f"{min(t.ms for t in made.times):.1f} to {max(t.ms for t in made.times):.1f} ms; "
        f"the reference takes {made.latency.reference_ms:.1f} ms",
        f"  held out: median error {known['median']:.1%}, {within}, worst {known['worst']:.1%}",
        f"  kept in {device_path(made.name)}",
    ]
