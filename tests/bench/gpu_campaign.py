"""Do shared weights rank designs of all six families and of mixtures? `ranking.py` on one GPU, in pieces.

    python tests/bench/gpu_campaign.py --data cifar100:DIR imagefolder:tiny-imagenet --out reports/campaign
    python tests/bench/gpu_campaign.py --data fractal:4 --device cpu --spaces mat --designs 3 --minutes 2 \\
        --processes 1 --recipe small,steps=3,warmup=1,max_train=60,max_val=20,img_size=32 --anchors ''

For each set of images, at 64 px: twenty designs of each space at 0.8G to 1G, each trained alone; shared weights of 1, 4
and 16 times the cost of one of these trainings, and the designs' scores by them and by all else. Then the published
designs by train:medium, as rows that `vitspace fidelity` reads. Cheap and telling parts come first.

One call takes --minutes at most, by default 25. What is done is saved design by design, shared weights with their
state, and the same call goes on. It prints what is left. A GPU is hardly busy with one small network, so that several
processes take from one list of jobs.
"""

import argparse
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from ranking import DESIGNS, TINY, TRAININGS, Bench, scores, shared, train_alone
from ranking_table import report

import vitspace
from vitspace import interrupts
from vitspace.anchors.references import main_anchors
from vitspace.proxies import Proxy, ProxyError, canonical_name, open_proxy
from vitspace.proxies.score_tables import new_row

SPACES = ("mat", "ems", "partial", "msg", "transcnn", "vt", "hybrid")
BAND = ("0.8G", "1G")
RECIPE = "small,steps=1000,warmup=100,batch_size=128,lr=1e-3,max_val=5000"
MINUTES, PROCESSES = 25.0, 8


@dataclass(frozen=True)
class Job:
    """A piece of work that is saved as a whole.

    Attributes:
        data: The images.
        kind: alone, shared, scores or anchor.
        space: Of the designs; of an anchor its id.
        number: Of the design in its space, or of the training in `TRAININGS`.
    """

    data: str
    kind: str
    space: str
    number: int = 0

    def __str__(self) -> str:
        """Return it as a line."""
        factor, seed = TRAININGS[self.number] if self.kind == "shared" else (0, 0)
        what = {"alone": f"design {self.number}", "shared": f"{factor}x seed {seed}"}.get(self.kind, "")
        return " ".join(filter(None, [self.data, self.kind, self.space, what]))


def bench_of(args: argparse.Namespace, data: str) -> Bench:
    """Return where the tables of one set of images are, and how they are made."""
    out = args.out / data.replace(":", "-").replace("/", "-")
    out.mkdir(parents=True, exist_ok=True)
    bands = dict.fromkeys(args.spaces, BAND)
    return Bench(out, data, args.device, args.recipe, args.stores / out.name, bands, args.designs)


def jobs(args: argparse.Namespace) -> Iterator[Job]:
    """Yield all jobs, in their order."""
    for data in args.data:
        for space in args.spaces:
            yield from (Job(data, "alone", space, number) for number in range(args.designs))
        for number in range(len(TRAININGS)):
            yield from (Job(data, "shared", space, number) for space in args.spaces)
        yield from (Job(data, "scores", space) for space in args.spaces)
    if args.anchors:
        for data in args.data:
            yield from (Job(data, "anchor", row.id) for row in main_anchors())


def is_done(args: argparse.Namespace, job: Job) -> bool:
    """Whether a job's rows are there."""
    bench = bench_of(args, job.data)
    if job.kind == "anchor":
        return bench.has("trained", *_anchor(args, job))
    specs = bench.designs(job.space)
    if job.kind == "alone":
        return bench.has("alone", job.space, specs[job.number].id, 0)
    if job.kind == "scores":
        return all(bench.has("scores", job.space, spec.id, TINY) for spec in specs)
    factor, seed = TRAININGS[job.number]
    return all(bench.has("scores", job.space, spec.id, f"shared {factor}x seed {seed}") for spec in specs)


def do(args: argparse.Namespace, job: Job) -> None:
    """Do a job."""
    bench = _kept(args, job.data)
    match job.kind:
        case "alone":
            train_alone(bench, job.space, bench.designs(job.space)[job.number], 0)
        case "shared":
            shared(bench, job.space, *TRAININGS[job.number])
        case "scores":
            scores(bench, job.space)
        case "anchor":
            _train_anchor(bench, args, job)


_BENCHES: dict[str, Bench] = {}


def _kept(args: argparse.Namespace, data: str) -> Bench:
    """Return a process's own `bench_of`, with its images loaded once."""
    return _BENCHES.setdefault(data, bench_of(args, data))


def _anchor(args: argparse.Namespace, job: Job) -> tuple[str, str]:
    """Return the name of the proxy and the spec's id."""
    return canonical_name(f"train:{args.anchors}", job.data), vitspace.anchor(job.space).spec.id


@cache
def _opened(recipe: str, data: str, device: str) -> Proxy:
    return open_proxy(f"train:{recipe}", data, device)


def _train_anchor(bench: Bench, args: argparse.Namespace, job: Job) -> None:
    proxy, (name, spec_id) = _opened(args.anchors, job.data, args.device), _anchor(args, job)
    spec = vitspace.anchor(job.space).spec
    start, told = time.perf_counter(), {"device": args.device}
    try:
        value, failure = proxy.score(spec, 0).value, ""
    except ProxyError as error:
        value, failure = None, str(error)
    seconds = time.perf_counter() - start
    row = new_row(name, spec_id, job.space, 0, "own", value, failure=failure, seconds=seconds, **told)
    bench.add("trained", *("" if each is None else each for each in asdict(row).values()))


def work(args: argparse.Namespace, waiting: Sequence[Job], taken: Any, until: float) -> None:
    """Take jobs until none is left or time is up; what runs then is stopped as by Ctrl-C, which saves."""
    torch.set_num_threads(1)
    interrupts.install()  # so that a step of shared weights is not cut in two
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, max(0.01, until - time.time()))
    try:
        while True:
            with taken.get_lock():
                number = taken.value
                taken.value += 1
            if number >= len(waiting):
                break
            do(args, waiting[number])
    except KeyboardInterrupt:
        print("time is up", flush=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    """Do what the time allows, print the tables, and what is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--out", type=Path, default=Path("reports/campaign"))
    parser.add_argument("--stores", type=Path, default=Path("shared-weights"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--spaces", nargs="+", default=list(SPACES))
    parser.add_argument("--designs", type=int, default=DESIGNS)
    parser.add_argument("--recipe", default=RECIPE)
    parser.add_argument("--anchors", default="medium", help="Their preset; empty leaves them out.")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    args = parser.parse_args()
    until = time.time() + 60 * args.minutes
    for data in args.data:
        for space in args.spaces:
            bench_of(args, data).designs(space)
    waiting = [job for job in jobs(args) if not is_done(args, job)]
    context = multiprocessing.get_context("spawn")
    taken = context.Value("i", 0)
    workers = [context.Process(target=work, args=(args, waiting, taken, until)) for _ in range(args.processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for data in args.data:
        print(f"## {data}\n\n{report(bench_of(args, data).out)}")
    left = [job for job in waiting if not is_done(args, job)]
    print(f"{len(left)} jobs are left" + (": the same command goes on with" if left else ""), *left, sep="\n")
    if any(worker.exitcode for worker in workers):
        sys.exit("a process ended with the error above; what was done before is saved")


if __name__ == "__main__":
    main()
