"""Times the networks of a kit on this device, each in turn with a reference network, on one thread.

    python time_kit.py                 # writes results.csv beside itself; start it again to go on
    python time_kit.py --precision 2 --seconds 120 --out other.csv

Needs Python 3.8 or later and onnxruntime (`pip install onnxruntime`), and nothing else. A run counts in the time in
which its thread had the core, where the system tells; interrupted runs are left out where enough others remain.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import math
import os
import platform
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple

#: The columns of the results, a row a network.
COLUMNS = (
    *("kit", "file", "ms", "reference_ms", "sd", "rounds", "interrupted"),
    *("device", "cpu", "cores", "system", "python", "onnxruntime", "date"),
)
#: Those that tell the device and its programs, alike in all rows.
FACTS = ("device", "cpu", "cores", "system", "python", "onnxruntime")
LEAST_ROUNDS, MOST_ROUNDS = 7, 200
#: The share of its core from which a run was not interrupted.
QUIET = 0.95
#: Seconds that the clock of a thread may be coarse.
COARSE = 1e-3
_WARM_MOST, _WARM_CHANGE = 10, 0.05
_RESAMPLES = 200

Run = Callable[[], object]


class RefusedError(Exception):
    """What this cannot work with; the message is printed as one line, and the exit code is 2."""


class Round(NamedTuple):
    """Milliseconds of the reference and of a network, run in turn: by the watch, and those with the core."""

    reference_wall: float
    reference: float
    wall: float
    network: float

    @property
    def quiet(self) -> bool:
        """Whether neither run was interrupted."""
        return self.reference >= QUIET * self.reference_wall and self.network >= QUIET * self.wall


class Timing(NamedTuple):
    """What rounds amount to: milliseconds of both, and the deviation of the logarithm of their ratio."""

    ms: float
    reference_ms: float
    sd: float
    rounds: int
    interrupted: int

    @classmethod
    def of(cls, rounds: list[Round]) -> Timing:
        """Summarise rounds; the interrupted ones are left out where enough others remain."""
        quiet = [each for each in rounds if each.quiet]
        used = quiet if len(quiet) >= LEAST_ROUNDS else rounds
        return cls(
            statistics.median(each.network for each in used),
            statistics.median(each.reference for each in used),
            spread(used),
            len(used),
            len(rounds) - len(quiet),
        )


def spread(rounds: list[Round]) -> float:
    """Return the standard deviation of the logarithm of the ratio of medians, by resampling."""
    rng = random.Random(0)
    logs: list[float] = []
    for _ in range(_RESAMPLES):
        some = rng.choices(rounds, k=len(rounds))
        of, to = (statistics.median(values) for values in zip(*((r.network, r.reference) for r in some)))
        logs.append(math.log(of / to))
    return statistics.pstdev(logs)


def time_network(reference: Run, network: Run, precision: float, seconds: float) -> Timing:
    """Run both in turn until the ratio's 95 % interval is narrow enough, or the time is over."""
    for run in (reference, network):
        warm_up(run)
    began = time.perf_counter()
    rounds: list[Round] = []
    due = LEAST_ROUNDS
    while True:
        rounds.append(Round(*timed(reference), *timed(network)))
        late = time.perf_counter() - began > seconds or len(rounds) >= MOST_ROUNDS
        if len(rounds) < (LEAST_ROUNDS if late else due):
            continue
        found, due = Timing.of(rounds), 1 + len(rounds) * 5 // 4
        enough = len(rounds) - found.interrupted >= LEAST_ROUNDS and 1.96 * found.sd <= math.log1p(precision)
        if late or enough:
            return found


def warm_up(run: Run) -> None:
    """Run until two runs in a row take about the same time."""
    times = [timed(run)[1] for _ in range(2)]
    while abs(times[-1] / times[-2] - 1) > _WARM_CHANGE and len(times) < _WARM_MOST:
        times.append(timed(run)[1])


def timed(run: Run) -> tuple[float, float]:
    """Return the milliseconds of one run: by the watch, and those in which the thread had its core, where known."""
    wall, work = time.perf_counter(), time.thread_time()
    run()
    worked, passed = time.thread_time() - work, time.perf_counter() - wall
    return 1e3 * passed, 1e3 * (worked if knows_work() else passed)


def knows_work() -> bool:
    """Whether the system tells how long a thread had its core, to the millisecond."""
    return time.get_clock_info("thread_time").resolution <= COARSE


def pin(core: int) -> str:
    """Hold this process to a core, the last one by default; return what was done in words."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned: this system does not let a process choose its core"
    allowed = sorted(os.sched_getaffinity(0))
    if core >= 0 and core not in allowed:
        raise RefusedError(f"--core is one of {', '.join(map(str, allowed))}, but got {core}")
    chosen = core if core >= 0 else allowed[-1]
    os.sched_setaffinity(0, {chosen})
    return f"pinned to core {chosen}"


def facts() -> dict[str, str]:
    """Return what the device and its programs are."""
    import onnxruntime

    info = _lines("/proc/cpuinfo")
    named = [line.partition(":")[2].strip() for line in info if line.lower().startswith(("model name", "hardware"))]
    board = "".join(_lines("/proc/device-tree/model")).strip("\0 \n")
    return {
        "device": board or platform.node(),
        "cpu": (named or [platform.processor() or platform.machine()])[0],
        "cores": str(os.cpu_count() or 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
    }


def open_network(path: Path, size: int | list[int]) -> Run:
    """Return a function that runs a network once on one thread, on an image of zeros."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sides = [size, size] if isinstance(size, int) else size
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has errors of its own for what a version does not know
        why = " ".join(str(error).split())
        raise RefusedError(
            f"onnxruntime {onnxruntime.__version__} cannot run {path.name}, a newer one may: {why}"
        ) from None
    feed = {session.get_inputs()[0].name: numpy.zeros((1, 3, *sides), numpy.float32)}
    return lambda: session.run(None, feed)


def read_kit(folder: Path) -> dict[str, Any]:
    """Return the kit's list, its files checked by their digests."""
    path = folder / "kit.json"
    if not path.is_file():
        raise RefusedError(f"a kit's folder holds kit.json, but {path} is not there")
    try:
        kit: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _ = kit["kit"], kit["img_size"], [each["macs"] for each in kit["networks"]]
        files = {each["file"]: each["sha256"] for each in [kit["reference"], *kit["weights"], *kit["networks"]]}
    except (ValueError, KeyError, TypeError):
        raise RefusedError(f"{path} is cut off or changed: copy the kit's folder again, whole") from None
    for name, sha256 in files.items():
        file = folder / name
        if not file.is_file() or digest(file) != sha256:
            raise RefusedError(f"{file} is not the kit's file: copy the kit's folder again, whole")
    return kit


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def read_done(out: Path, kit: str, here: dict[str, str]) -> list[str]:
    """Return the files that are timed already; a last line that was cut off is removed."""
    if not out.exists():
        return []
    text = out.read_bytes()
    if not text.endswith(b"\n"):
        text = text[: text.rfind(b"\n") + 1]
        out.write_bytes(text)
    try:
        rows = list(csv.DictReader(io.StringIO(text.decode("utf-8"))))
    except ValueError:
        raise RefusedError(f"{out} is no file of results: use --out") from None
    for row in rows:
        if row.get("kit") != kit:
            raise RefusedError(f"{out} is of kit {row.get('kit')}, and this is kit {kit}: use --out")
        for name in FACTS:
            if row.get(name) != here[name]:
                told = f"{name} {row.get(name)}, and here it is {here[name]}"
                raise RefusedError(f"{out} was begun with {told}: use --out")
    return [row["file"] for row in rows]


def append(out: Path, row: dict[str, Any]) -> None:
    """Append a row, with the heading where the file is new, so that it is on the disk."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if not out.exists() or not out.stat().st_size:
        writer.writeheader()
    writer.writerow(row)
    with out.open("a", encoding="utf-8") as file:
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())


def time_all(kit: dict[str, Any], folder: Path, options: argparse.Namespace, here: dict[str, str]) -> None:
    """Time the networks that are not timed yet."""
    networks, size = kit["networks"], kit["img_size"]
    done = read_done(options.out, kit["kit"], here)
    left = [each for each in networks if each["file"] not in done]
    say(f"kit {kit['kit']}: {len(networks)} networks, {len(networks) - len(left)} timed before")
    reference = open_network(folder / kit["reference"]["file"], size)
    began, spent, waits = time.monotonic(), 0, sum(each["macs"] for each in left)
    for number, each in enumerate(left, start=len(networks) - len(left) + 1):
        found = time_network(reference, open_network(folder / each["file"], size), options.precision, options.seconds)
        numbers = {name: f"{getattr(found, name):.6g}" for name in ("ms", "reference_ms", "sd")}
        counts = {"rounds": found.rounds, "interrupted": found.interrupted}
        date = time.strftime("%Y-%m-%d", time.gmtime())
        append(options.out, {"kit": kit["kit"], "file": each["file"], **numbers, **counts, **here, "date": date})
        spent += each["macs"]
        rest = (time.monotonic() - began) / spent * (waits - spent)
        words = f"{found.ms:.1f} ms, within {196 * found.sd:.1f} %, reference {found.reference_ms:.1f} ms"
        busy = f", {found.interrupted} runs interrupted" if found.interrupted else ""
        more = f", about {duration(rest)} left" if rest else ""
        say(f"{number} of {len(networks)}: {each['file']} {words}, {found.rounds} rounds{busy}{more}")


def duration(seconds: float) -> str:
    """Write a duration: `40 s`, `12 min`."""
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def say(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr, flush=True)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def read_options(arguments: list[str] | None, folder: Path) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=folder / "results.csv", help="the results; gone on with if there")
    parser.add_argument("--precision", type=float, default=3.0, help="percent to which a network's time is to be known")
    parser.add_argument("--seconds", type=float, default=60.0, help="after which a network is left as it is known")
    parser.add_argument("--core", type=int, default=-1, help="the core to run on, where the system allows (the last)")
    options = parser.parse_args(arguments)
    if not 0 < options.precision < 100 or not 0 < options.seconds < math.inf:
        parser.error("--precision is between 0 and 100, and --seconds is above 0")
    options.precision /= 100
    return options


def main(arguments: list[str] | None = None) -> int:
    """Time a kit; return the exit code."""
    folder = Path(__file__).resolve().parent
    options = read_options(arguments, folder)
    try:
        here = facts()
    except ImportError as error:
        say(f"error: this needs onnxruntime: pip install onnxruntime ({error})")
        return 2
    try:
        kit = read_kit(folder)
        say(f"{here['device']}, {here['cpu']}, onnxruntime {here['onnxruntime']}; {pin(options.core)}")
        if not knows_work():
            say("this system does not tell which runs were interrupted: let nothing else run meanwhile")
        time_all(kit, folder, options, here)
    except (RefusedError, OSError) as error:
        say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        say("stopped; start it again to go on")
        return 130
    say(f"done: take {options.out} back, for `vitspace latency import {options.out.name} --name NAME`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
