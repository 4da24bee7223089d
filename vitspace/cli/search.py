"""vitspace search."""

from pathlib import Path
from typing import Any

import typer

from vitspace.cli import command, command_line, print_json
from vitspace.cli.options import BACKENDS, BUDGET, DATA, JSON, PARAMS, PEERS, STORAGE, TASK


@command
def search(
    context: typer.Context,
    space: str = typer.Option(None, help="A space, or a path to a space's .yaml."),
    budget: str = BUDGET,
    params: str = PARAMS,
    img_size: str = typer.Option(
        None,
        help="Side of the image in pixels, or height x width: 256, 192x256; or several, 192,224,256, as an axis of the "
        "search. (default: the space's, 224)",
    ),
    task: str = TASK,
    latency: str = typer.Option(None, help="CPU latency: 60ms; or as predicted for an imported device: pi5:60ms."),
    latency_backend: str = typer.Option(None, help=f"What runs the networks when timed: {BACKENDS}. (default: eager)"),
    latency_threads: int = typer.Option(None, min=1, help="Threads when timed. (default: 1)"),
    latency_batch: int = typer.Option(None, min=1, help="Images at once when timed. (default: 1)"),
    latency_precision: str = typer.Option(
        None, help="Runs are added until they tell the milliseconds so well, half a 95 % interval. (default: 3%)"
    ),
    accuracy: str = typer.Option(
        None,
        help="What designs are compared by: estimate, of ImageNet top-1 in points; or proxy, the proxy's own number. "
        "(default: estimate)",
    ),
    anchors: str = typer.Option(
        None,
        help="Which published designs are trials: all that fit, nearest (to the budget, one a family), none, or ids "
        "with commas between. (default: all)",
    ),
    peers: str = PEERS,
    proxy: str = typer.Option(
        None,
        help="What is measured of each design: train:check, tiny, small, medium or full, with fields changed as in "
        "train:small,steps=300,width=0.5; halving:tiny/small, which trains all designs by tiny and the best third "
        "by small; or a training-free score. (default: train:check, and train:tiny with --accuracy proxy)",
    ),
    data: str = DATA,
    engine: str = typer.Option(None, help="What runs the evaluations: optuna, ray, nni, submitit. (default: optuna)"),
    workers: int = typer.Option(
        None,
        min=0,
        help="Designs evaluated at once, each in a process of its own; 0 is one after the other in this process. "
        "(default: as many as cores where the proxy trains on the CPU, else 0)",
    ),
    threads: int = typer.Option(None, min=1, help="Threads of one evaluation. (default: 1 on the CPU)"),
    gpus: float = typer.Option(None, help="GPUs of one evaluation (ray, submitit): 0.25 is four on one, of ray."),
    sampler: str = typer.Option(
        None,
        help="pareto, which is ours, tpe, nsga2, nsga3, gp, qmc or random; engine nni: tpe, evolution or random.  "
        "(default: pareto; engine nni: tpe)",
    ),
    trials: int = typer.Option(None, help="Evaluations in total, anchors included. (default: the anchors and 12 more)"),
    timeout: float = typer.Option(None, help="Seconds after which no new trial starts."),
    seed: int = typer.Option(None, help="Of drawing, sampling and training. (default: 0)"),
    device: str = typer.Option(None, help="Where the proxy trains: auto, cpu, cuda. (default: auto)"),
    ablations: bool = typer.Option(None, "--ablations", help="The papers' ablation rows join the anchors."),
    study: str = typer.Option(None, help="The study's name. (default: SPACE-BUDGET)"),
    storage: str = STORAGE,
    config: Path = typer.Option(None, help="A study's .yaml; options given beside it win."),
    resume: bool = typer.Option(False, "--resume", help="Go on with a stored study, up to --trials."),
    out: Path = typer.Option(None, help="The report's folder. (default: reports/STUDY)"),
    as_json: bool = JSON,
) -> None:
    """Search a space under a budget: train designs briefly, and report the Pareto front with the papers' models on it.

    FLOPs are multiply-adds of convolutions, linear layers and attention products.
    """
    from vitspace.api import search as run
    from vitspace.cli.progress import SearchProgress, print_result
    from vitspace.report.printed import printed_json
    from vitspace.study.config import StudyConfig

    given = {name: context.params[name] for name in StudyConfig.model_fields}
    settings = _read_config(config) | {name: value for name, value in given.items() if value is not None}
    settings |= {"workers": workers, "threads": threads, "command": command_line()}
    with SearchProgress() as progress:
        found = run(study=study, storage=storage, resume=resume, out=out, monitor=progress, **settings)
    if as_json:
        print_json(printed_json(found.record, found.folder))
    else:
        print_result(found.record, found.folder)


def _read_config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    from vitspace.files import find_yaml, read_yaml
    from vitspace.study.config import StudyConfig

    return read_yaml(find_yaml(str(path), "studies"), StudyConfig).model_dump(exclude_unset=True)
