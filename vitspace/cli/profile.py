"""vitspace profile."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vitspace.cli import command, print_json, refuse, say, track
from vitspace.cli.options import BACKENDS, IMG_SIZE, JSON, TASK, read_size
from vitspace.errors import InputError, shown
from vitspace.folders import check_folder
from vitspace.precision import parse_precision

if TYPE_CHECKING:
    from vitspace.costs.audit import Audit
    from vitspace.profile import Profile
    from vitspace.profile.sizes import SizedDesign

DEVICES = ("cpu", "cuda")


@command
def profile(
    spec: str = typer.Argument(None, help="An anchor's id, a path to a spec's .json, or the JSON itself."),
    backend: list[str] = typer.Option(["eager"], help=f"{BACKENDS}; repeatable."),
    device: str = typer.Option("cpu", help="cpu; or cuda, for time, throughput and memory of batches on the GPU."),
    threads: int = typer.Option(1, min=1, help="Threads when timing on the CPU."),
    batch: int = typer.Option(None, min=1, help="Batch size when timing. (default: 1, on cuda 64)"),
    dtype: str = typer.Option(
        "float32", help="Type of weights and images: float32; bfloat16 (eager only); float16 (cuda only)."
    ),
    precision: str = typer.Option(
        None, help="Runs are added until they tell the milliseconds so well, half a 95 % interval. (default: 3%)"
    ),
    img_size: str = IMG_SIZE,
    task: str = TASK,
    audit: bool = typer.Option(
        False, "--audit", help="Count with fvcore and torch's counter as well, and what evaluation runs."
    ),
    predictor: Path = typer.Option(None, help="The .json of a calibration to predict from. (default: this host's)"),
    any_host: bool = typer.Option(False, "--any-host", help="Accept a calibration of another host or version."),
    calibrate: bool = typer.Option(
        False,
        "--calibrate",
        help="Measure random designs of every space, to predict latency here; takes minutes.",
    ),
    designs: int = typer.Option(None, min=5, help="With --calibrate: designs of each space. (default: 40)"),
    out: Path = typer.Option(None, help="Folder of the figure. (default: reports/profile-NAME)"),
    as_json: bool = JSON,
) -> None:
    """Show params, FLOPs and milliseconds of each part of a network."""
    if device not in DEVICES:
        raise InputError(f"device is one of {', '.join(DEVICES)}, but got {shown(device)}")
    if calibrate:
        beside = {"a design": spec, "--device": device != "cpu", "--threads": threads != 1, "--batch": batch}
        beside |= {"--dtype": dtype != "float32", "--img-size": img_size, "--task": task, "--audit": audit}
        beside |= {"--precision": precision}
        beside |= {"--predictor": predictor, "--any-host": any_host, "--out": out}
        refuse("--calibrate measures the spaces' designs at 224 px, one thread, batch 1, on the CPU", beside)
        _calibrate(backend, designs or 40, as_json)
        return
    refuse("designs are measured with --calibrate", {"--designs": designs})
    if spec is None:
        raise InputError("vitspace profile needs a design: an anchor's id, a spec's .json, or --calibrate")
    design = _design(spec, img_size, task)
    if design.task:
        beside = {"--device": device != "cpu", "--audit": audit, "--predictor": predictor, "--any-host": any_host}
        refuse(f"networks of {design.task.name} are counted by our counter and timed on the CPU", beside)
    if not as_json:
        check_folder(out or Path("reports"))
    if device == "cuda":
        beside = {"--threads": threads != 1, "--predictor": predictor, "--any-host": any_host, "--precision": precision}
        refuse("on cuda there is no prediction, no number of threads, and a fixed number of runs", beside)
        result = _on_gpu(design, backend, {"batch": batch or 64, "dtype": dtype})
    else:
        timed = {"threads": threads, "batch": batch or 1, "dtype": dtype}
        timed |= {"precision": parse_precision(precision)} if precision is not None else {}
        result = _on_cpu(design, backend, timed, predictor, any_host)
    counts = _audit(result) if audit else None
    if as_json:
        audited = counts.to_json() if counts else {}
        print_json(result.to_json() | audited)
        return
    _show(result, counts, out or Path("reports") / _folder_of(result))


def _design(text: str, img_size: str | None, task: str | None) -> "SizedDesign":
    from vitspace.design import named_design
    from vitspace.profile.sizes import SizedDesign
    from vitspace.tasks.dense import DenseTask

    size = read_size(img_size)
    dense = DenseTask.of(task, size) if task else None
    return SizedDesign.for_task(named_design(text), dense) if dense else SizedDesign.of(named_design(text), size)


def _on_cpu(
    design: "SizedDesign", backends: list[str], timed: dict[str, Any], predictor: Path | None, any_host: bool
) -> "Profile":
    from vitspace.latency import LatencySettings, check_backend
    from vitspace.latency.calibration import load_calibration
    from vitspace.profile import profile as run

    for backend in backends:
        check_backend(backend)
    settings = [LatencySettings(backend, img_size=design.img_size, task=design.task, **timed) for backend in backends]
    calibration = load_calibration(predictor, any_host) if predictor else None
    return run(design.name, design.spec, settings, calibration, any_host, design.beside)


def _on_gpu(design: "SizedDesign", backends: list[str], timed: dict[str, Any]) -> "Profile":
    from vitspace.latency.cuda import CudaSettings, check_cuda
    from vitspace.profile import profile_cuda

    if backends != ["eager"]:
        raise InputError(f"on cuda the backend is eager, but got {', '.join(backends)}")
    settings = CudaSettings(img_size=design.img_size, **timed)
    check_cuda()
    return profile_cuda(design.name, design.spec, settings, design.beside)


def _calibrate(backends: list[str], designs: int, as_json: bool) -> None:
    from dataclasses import asdict

    from vitspace.cli.profile_print import print_calibration
    from vitspace.latency.calibration import calibration_path
    from vitspace.profile import calibrate

    made = calibrate(backends, designs, track)
    if as_json:
        print_json(
            {
                backend: {"minutes": one.minutes, "path": str(calibration_path(backend))}
                | {name: asdict(row) for name, row in one.held_out.items()}
                for backend, one in made.items()
            }
        )
        return
    for backend, one in made.items():
        print_calibration(one)
        say(f"predictor: {calibration_path(backend)}")


def _folder_of(result: "Profile") -> str:
    return f"profile-{result.name}-{result.task.name}" if result.task else f"profile-{result.name}"


def _audit(result: "Profile") -> "Audit":
    from vitspace.costs.audit import audit

    return audit(result.spec, result.img_size)


def _show(result: "Profile", counts: "Audit | None", folder: Path) -> None:
    from vitspace.cli.profile_print import print_audit, print_profile
    from vitspace.plots.frame import save_figure
    from vitspace.profile.figure import profile_figure

    print_profile(result)
    if counts:
        print_audit(counts)
    save_figure(profile_figure(result), folder / "profile")
    say(f"figure: {folder / 'profile.png'}")
