"""vitspace train."""

import shlex
from pathlib import Path

import typer

from vitspace.cli import command, print_json, say
from vitspace.cli.options import DATA_KINDS, JSON, STORAGE
from vitspace.cli.torchrun import leads, typed
from vitspace.tasks.heads import CLASSIFICATION


@command
def train(
    design: str = typer.Argument(help="An anchor's id, a spec's .json, or with --trial a stored study."),
    data: str = typer.Option(
        help=f"What it is trained on: {DATA_KINDS}; for segmentation masks:DIR. A folder of images is read as it is "
        "needed."
    ),
    task: str = typer.Option(
        "classification",
        help="classification, or a task of segmentation, whose head is put behind the design's four maps: fpn, "
        "semantic-fpn, upernet, vt-fpn.",
    ),
    num_classes: int = typer.Option(
        None, help="Classes that masks have, from 0 on. (default: their largest value and one more)"
    ),
    trial: int = typer.Option(None, min=0, help="The number of the study's trial."),
    recipe: str = typer.Option(
        "paper",
        help="paper (the published row's or the family's; of segmentation the one of that name), a recipe's name, or a "
        "path to a .yaml.",
    ),
    epochs: int = typer.Option(
        None, min=1, help="Number of epochs; warm-up and decay keep their shares. (default: the recipe's)"
    ),
    batch_size: int = typer.Option(
        None, min=1, help="Images of an update; learning rates scale in proportion. (default: the recipe's)"
    ),
    micro_batch: int = typer.Option(
        None,
        min=1,
        help="Images at once on a device; gradients are accumulated. (default: the batch; on a CPU at most 32)",
    ),
    lr: float = typer.Option(None, help="Learning rate after warm-up. (default: the recipe's)"),
    img_size: int = typer.Option(
        None, min=32, help="Side of the image in pixels, of masks that of a crop. (default: the recipe's)"
    ),
    seed: int = typer.Option(0, min=0, help="Seed of weights, order of images and augmentation."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:1, mps; under torchrun each process has a GPU."),
    workers: int = typer.Option(
        None, min=0, help="Processes that load images. (default: for a folder, cores, up to 8)"
    ),
    storage: str = STORAGE,
    out: Path = typer.Option(None, help="The training's folder. (default: trained/NAME, or trained/NAME-TASK)"),
    init: Path = typer.Option(
        None,
        help="A .safetensors of this design, or supernet:DIR of shared weights, to begin with; a head of other "
        "classes, or of another task, is made anew. (default: none)",
    ),
    resume: bool = typer.Option(False, "--resume", help="Continue the training in the folder."),
    as_json: bool = JSON,
) -> None:
    """Train a design in full, by its paper's recipe: as a classifier, or as the backbone of segmentation.

    Several GPUs: torchrun --nproc-per-node 4 -m vitspace train ...
    """
    from vitspace.cli.train_bar import Bar
    from vitspace.design import find_design
    from vitspace.training import Overrides, TrainingRequest
    from vitspace.training import train as run
    from vitspace.training.goals import MEASURES

    found = find_design(design, trial, storage)
    request = TrainingRequest(
        design=found,
        data=data,
        out=out or Path("trained") / (found.name if task == CLASSIFICATION else f"{found.name}-{task}"),
        recipe=recipe,
        overrides=Overrides(epochs, batch_size, lr, img_size, micro_batch),
        seed=seed,
        device=device,
        workers=workers,
        resume=resume,
        command=typed(),
        init=init,
        task=task,
        num_classes=num_classes,
    )
    with Bar(leads(), request.command if resume else f"{request.command} --resume") as bar:
        result = run(request, bar)
    if not leads():
        return
    if as_json:
        print_json(result)
        return
    measure, words = next((name, words) for name, words in MEASURES.items() if name in result)
    say(
        f"{result['name']}: {words} {result[measure]:.2f} % on the {result['val_images']:,} validation images of "
        f"{result['data']} at {result['img_size']} px after epoch {result['epoch']}; best "
        f"{result[f'best_{measure}']:.2f} % (epoch {result['best_epoch']}, chosen on the same images)"
    )
    say(f"weights: {result['weights']['last']}\nlog: {result['log']}")
    which = f"{shlex.quote(design)}{f' --trial {trial}' if trial is not None else ''}"
    say(f"to take it away:\n  vitspace export {which} --weights {shlex.quote(result['weights']['last'])}")
