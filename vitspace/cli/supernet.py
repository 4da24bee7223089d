"""vitspace supernet: train, show."""

import shlex
from pathlib import Path
from typing import Any

import typer

from vitspace.cli import app, command_of, print_json, say
from vitspace.cli.options import DATA_KINDS, JSON
from vitspace.cli.torchrun import leads, typed

group = typer.Typer(no_args_is_help=True, help="Train weights that all designs of a space share, and show them.")
app.add_typer(group, name="supernet")


@command_of(group, "train")
def train(
    space: str = typer.Option(help="A space's name, or a path to its .yaml."),
    out: Path = typer.Option(help="The folder of the shared weights."),
    budget: str = typer.Option("", help="FLOPs (multiply-adds) of the designs: 1G, 500M..1G. (default: all designs)"),
    data: str = typer.Option("", help=f"Data: {DATA_KINDS}. (default: the recipe's)"),
    recipe: str = typer.Option("small", help="A preset of the training proxies, with fields that differ."),
    seed: int = typer.Option(0, min=0, help="Seed of weights, designs, order of images and their changes."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:1; under torchrun each process has a GPU."),
    resume: bool = typer.Option(False, "--resume", help="Continue the training in the folder."),
    as_json: bool = JSON,
) -> None:
    """Train the weights that all designs of a space share; `--proxy supernet:DIR` scores designs with them.

    Several GPUs: torchrun --nproc-per-node 4 -m vitspace supernet train ...
    """
    from vitspace.cli.train_bar import Bar
    from vitspace.sharing.folder import STATE
    from vitspace.supernet import SupernetRequest
    from vitspace.supernet import train as run

    command = typed()
    request = SupernetRequest(space, out, budget, recipe, data, seed, device, resume, command)
    with Bar(leads(), command if resume else f"{command} --resume") as bar:
        try:
            facts = run(request, bar)
        except KeyboardInterrupt:
            if not (out / STATE).is_file():  # as while the space is explored
                bar.onward = command
            raise
    if leads():
        _print(facts, out, as_json)


@command_of(group, "show")
def show(
    folder: Path = typer.Argument(help="The folder of shared weights."),
    as_json: bool = JSON,
) -> None:
    """Show what shared weights are of, and how their smallest and largest design do."""
    from vitspace.sharing.folder import told

    _print(told(folder), folder, as_json)


def _print(facts: dict[str, Any], folder: Path, as_json: bool) -> None:
    told = {name: value for name, value in facts.items() if name not in ("undecayed", "drawn", "space_file")}
    if as_json:
        print_json(told | {"folder": str(folder)})
        return
    recipe, within = facts["recipe"], f" within {facts['budget']}" if facts["budget"] else ""
    say(
        f"{folder}: {facts['params'] / 1e6:.1f} M weights of space {facts['space']}{within}, trained on "
        f"{facts['train_images']:,} images of {recipe['data']} at {recipe['img_size']} px: {facts['done']:,} of "
        f"{facts['steps']:,} steps of {recipe['batch_size']} images in {facts['seconds']:,.0f} s"
    )
    for name, end in facts["ends"].items():
        say(f"{name} design {end['spec_id']}: validation loss {end['val_loss']:.3f}, top-1 {end['accuracy']:.2%}")
    limit = ["--budget", facts["budget"]] if facts["budget"] else []
    command = ["vitspace", "search", "--space", facts["space_typed"], *limit, "--proxy", f"supernet:{folder}"]
    say(f"next: {shlex.join(command)}")
