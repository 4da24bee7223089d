"""vitspace profile."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vitspace.cli import command, print_json, refuse, say, track
from vitspace.cli.options import BACKENDS, IMG_SIZE, JSON, TASK, read_size
from vitspace.errors import InputError
from vitspace.folders import check_folder

if TYPE_CHECKING:
    from vitspace.costs.audit import Audit
    from vitspace.profile import Profile


@command
def profile(
    spec: list[str] = typer.Argument(
        None, help="An anchor's id, a path to a spec's .json, or the JSON itself; several are profiled in turn."
    ),
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
    per_space: int = typer.Option(
        None, "--designs", min=5, help="With --calibrate: designs of each space. (default: 40)"
    ),
    out: Path = typer.Option(
        None, help="Folder of the figure; of several designs, of the folders of theirs. (default: reports/profile-NAME)"
    ),
    as_json: bool = JSON,
) -> None:
    """Show params, FLOPs and milliseconds of each part of a network; of several networks, a row each."""
    if not (spec or calibrate):
        refuse("designs are measured with --calibrate", {"--designs": per_space})
        raise InputError("vitspace profile needs a design: an anchor's id, a spec's .json, or --calibrate")
    from vitspace.profile.request import ProfileRequest, profile_all

    size, designs = read_size(img_size), spec or []
    request = ProfileRequest(
        designs, backend, device, threads, batch, dtype, precision, size, task, predictor, any_host, audit
    )
    if calibrate:
        beside = {"a design": designs} | dict.fromkeys(request.changed(), True) | {"--out": out}
        refuse("--calibrate measures the spaces' designs at 224 px, one thread, batch 1, on the CPU", beside)
        _calibrate(backend, per_space or 40, as_json)
        return
    refuse("designs are measured with --calibrate", {"--designs": per_space})
    if not as_json:
        check_folder(out or Path("reports"))
    if len(designs) > 1:
        _show_all(profile_all(request, track), out or Path("reports"), as_json)
        return
    [result] = profile_all(request)
    counts = _audit(result) if audit else None
    if as_json:
        audited = counts.to_json() if counts else {}
        print_json(result.to_json() | audited)
        return
    _show(result, counts, out or Path("reports") / _folder_of(result))


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
    name = result.name.replace("/", "-").strip("-")
    return f"profile-{name}-{result.task.name}" if result.task else f"profile-{name}"


def _audit(result: "Profile") -> "Audit":
    from vitspace.costs.audit import audit

    return audit(result.spec, result.img_size)


def _show(result: "Profile", counts: "Audit | None", folder: Path) -> None:
    from vitspace.cli.profile_print import print_audit, print_profile

    print_profile(result)
    if counts:
        print_audit(counts)
    _draw(result, folder)


def _show_all(results: "list[Profile]", folder: Path, as_json: bool) -> None:
    from vitspace.cli.profile_print import print_profiles

    if as_json:
        print_json([result.to_json() for result in results])
        return
    print_profiles(results)
    for result in results:
        _draw(result, folder / _folder_of(result))


def _draw(result: "Profile", folder: Path) -> None:
    from vitspace.plots.frame import save_figure
    from vitspace.profile.figure import profile_figure

    save_figure(profile_figure(result), folder / "profile")
    say(f"figure: {folder / 'profile.png'}")
