"""Does a network of shared weights rank designs? Designs trained alone, against it and against every other score.

    nice -n 10 python tests/bench/ranking.py all --data imagefolder:cifar10 --out reports/ranking
    python tests/bench/ranking.py table --out reports/ranking

Parts, each of which goes on with what --out holds and saves after every training: ``draw`` takes twenty designs of a
space within a factor 1.25 of one FLOPs value; ``alone`` trains each by RECIPE, the truth at this scale; ``shared``
trains shared weights at 1, 4 and 16 times the cost of one design's training, and 4 times with another seed; ``scores``
has all else that scores designs; ``gain`` trains a design from scratch and from shared weights; ``pairs`` scores the
ablation rows of the papers with shared weights; ``table`` prints what is there. ``all`` does the cheap and telling
parts first, and says in the end what is missing.

RECIPE is the preset small, cut from 600 steps to 120 and to 10,000 training images: on one core that other work
shared, 2026-11-30, a step took 0.16 processor seconds for MAT at 0.13G and 0.23 for EMSNet at 0.24G, so that the
forty designs take 16 minutes a seed; 600 steps would take 77. Shared weights serve all designs up to the
band's upper end. Costs are matched by FLOPs: a step of shared weights trains the largest design, the smallest and two
drawn ones, so that its steps are factor * steps * (mean FLOPs of the twenty) / (FLOPs of these four). Seconds are of
the processor, on CUDA of the clock.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from ranking_table import append, has, read, report

import vitspace
from vitspace.anchors.references import ablation_pairs
from vitspace.data import Dataset
from vitspace.machine.devices import check_device, seeded
from vitspace.proxies import COMBINATIONS, SCORES, open_proxy
from vitspace.proxies.combinations import fitted
from vitspace.proxies.inherited import inherit
from vitspace.proxies.recipe import TrainingProxy, parse_proxy, split_fields
from vitspace.proxies.scores import Settings, Subject, measure
from vitspace.proxies.short_training import fit, validate
from vitspace.proxies.shrinking import make_network
from vitspace.proxies.training.supernet import open_proxy as open_shared
from vitspace.proxies.training.train import train
from vitspace.sharing.folder import STATE, WEIGHTS
from vitspace.spec import Spec
from vitspace.supernet import SupernetRequest
from vitspace.supernet import train as train_shared

RECIPE = "small,steps=120,warmup=12,max_train=10000"
#: FLOPs of a space's designs, within a factor 1.25; shared weights serve all designs up to the second number.
BANDS = {"mat": ("0.12G", "0.15G"), "ems": ("0.2G", "0.25G")}
DESIGNS, SEEDS = 20, (0, 1)
#: Times the cost of one design's training, and seeds of the shared weights.
TRAININGS = ((1, 0), (4, 0), (16, 0), (4, 1))
PAIRS_FACTOR = 4
TINY = "train:tiny"
#: Steps between two validations of a training from scratch or from shared weights.
GAIN_EVERY, GAIN_IMAGES = 5, 500


@dataclass(frozen=True)
class Bench:
    """What is measured, and where it is kept.

    Attributes:
        out: The folder of the tables.
        data: Of the trainings.
        device: Of the trainings.
        recipe: Of the trainings.
        stores: The folder of shared weights.
        bands: By space, the FLOPs of its designs.
        count: Designs of a space.
    """

    out: Path
    data: str
    device: str = "cpu"
    recipe: str = RECIPE
    stores: Path = Path("shared-weights")
    bands: dict[str, tuple[str, str]] | None = None
    count: int = DESIGNS

    @cached_property
    def proxy(self) -> TrainingProxy:
        """The recipe."""
        return parse_proxy(self.recipe, data=self.data)

    @cached_property
    def dataset(self) -> Dataset:
        """Its data, loaded."""
        return self.proxy.load(0)

    def band(self, space: str) -> tuple[str, str]:
        """Least and most FLOPs of a space's designs."""
        return (self.bands or BANDS)[space]

    def designs(self, space: str) -> list[Spec]:
        """The space's designs, drawn where they are not yet."""
        rows = [row for row in read(self.out, "designs") if row["space"] == space]
        if len(rows) < self.count:
            specs = vitspace.load_space(space).draw(self.count, "..".join(self.band(space)), seed=0)
            for spec in specs[len(rows) :]:
                cost = vitspace.cost(spec)
                self.add("designs", space, spec.id, cost.macs, cost.params, spec.to_json())
            return specs
        return [Spec.from_json(row["spec"]) for row in rows]

    def add(self, name: str, *values: object) -> None:
        """Append a row to a table."""
        append(self.out, name, [values])

    def has(self, name: str, *key: object) -> bool:
        """Whether a table has a row."""
        return has(self.out, name, *key)

    @contextmanager
    def clock(self) -> Iterator[list[float]]:
        """Measure seconds: of the processor, or on CUDA of the clock."""
        taken, start = [0.0], self.now()
        yield taken
        taken[0] = self.now() - start

    def now(self) -> float:
        """Seconds of the processor, or on CUDA of the clock."""
        return time.perf_counter() if self.device.startswith("cuda") else time.process_time()


def alone(bench: Bench, space: str, seeds: Sequence[int]) -> None:
    """Train each design alone."""
    for seed in seeds:
        for spec in bench.designs(space):
            train_alone(bench, space, spec, seed)


def train_alone(bench: Bench, space: str, spec: Spec, seed: int) -> None:
    """Train a design alone, unless it is done."""
    if bench.has("alone", space, spec.id, seed):
        return
    with bench.clock() as seconds:
        found = train(spec, bench.proxy, bench.dataset, seed, check_device(bench.device))
    values = (-found.score, found.accuracy, found.train_loss, seconds[0], bench.recipe)
    bench.add("alone", space, spec.id, seed, *values)


def store(bench: Bench, space: str, factor: int, seed: int, name: str = "") -> Path:
    """Where shared weights lie."""
    return bench.stores / f"{name or space}-{factor}x-seed{seed}"


def shared_steps(bench: Bench, space: str, factor: int, budget: str, macs: float) -> int:
    """How many steps of shared weights cost as much as ``factor`` trainings of one design, by FLOPs."""
    opened = vitspace.load_space(space)
    drawn = np.mean([vitspace.cost(spec).macs for spec in opened.draw(100, budget, seed=0)])
    step = sum(vitspace.cost(spec).macs for spec in opened.ends(budget)) + 2 * drawn
    return max(2, round(factor * (bench.proxy.steps or 0) * macs / step))


def shared(bench: Bench, space: str, factor: int, seed: int) -> None:
    """Train shared weights, and score the space's designs with them."""
    budget, specs = bench.band(space)[1], bench.designs(space)
    if not bench.has("shared", space, factor, seed):
        steps = shared_steps(bench, space, factor, budget, float(np.mean([vitspace.cost(s).macs for s in specs])))
        with bench.clock() as seconds:
            _train_store(bench, space, budget, steps, seed, store(bench, space, factor, seed))
        bench.add("shared", space, factor, seed, steps, seconds[0], budget)
    _score_shared(bench, "scores", space, specs, f"shared {factor}x seed {seed}", store(bench, space, factor, seed))


def _train_store(bench: Bench, space: str, budget: str, steps: int, seed: int, folder: Path) -> None:
    preset, fields = split_fields(bench.recipe)
    fields |= {"steps": str(steps), "warmup": str(steps // 10)}
    recipe = ",".join([preset, *(f"{name}={value}" for name, value in fields.items())])
    begun = any((folder / name).is_file() for name in (STATE, WEIGHTS))
    request = SupernetRequest(space, folder, budget, recipe, bench.data, seed, bench.device, begun)
    train_shared(request, Progress())


class Progress:
    """Prints what a training of shared weights says."""

    def note(self, text: str) -> None:
        """Print a line."""
        print("  ", text, flush=True)

    def progress(self, done: int, total: int) -> None:
        """Print nothing."""


def _score_shared(bench: Bench, table: str, space: str, specs: Sequence[Spec], name: str, folder: Path) -> None:
    left = [spec for spec in specs if not bench.has(table, space, spec.id, name)]
    proxy = open_proxy(f"supernet:{folder}", "", bench.device) if left else None
    for spec in left:
        assert proxy is not None
        with bench.clock() as seconds:
            value = proxy.score(spec, 0).value
        bench.add(table, space, spec.id, name, value, seconds[0])


def scores(bench: Bench, space: str) -> None:
    """Score the space's designs by all that knows nothing of shared weights."""
    specs, tiny = bench.designs(space), None
    for spec in specs:
        if not bench.has("scores", space, spec.id, "top1"):
            with bench.clock() as seconds:
                value = vitspace.predict_top1(spec).mean
            bench.add("scores", space, spec.id, "top1", value, seconds[0])
        if not bench.has("scores", space, spec.id, COMBINATIONS[-1]):
            _free(bench, space, spec)
    for spec in specs:
        if not bench.has("scores", space, spec.id, TINY):
            tiny = tiny or open_proxy(TINY, "", bench.device)
            with bench.clock() as seconds:
                value = tiny.score(spec, 0).value
            bench.add("scores", space, spec.id, TINY, value, seconds[0])


def _free(bench: Bench, space: str, spec: Spec) -> None:
    """Add every training-free score of a design, then the combinations of them."""
    found = measure(Subject.of_spec(spec), SCORES, Settings(device=str(check_device(bench.device))))
    for name in SCORES:
        if not bench.has("scores", space, spec.id, name):
            bench.add("scores", space, spec.id, name, found.values.get(name, float("nan")), found.seconds[name])
    for name in COMBINATIONS:
        model = fitted(name)
        whole = all(part in found.values for part in model.components)
        value = model.predict(found.values) if whole else float("nan")
        bench.add("scores", space, spec.id, name, value, sum(found.seconds[part] for part in model.components))


def gain(bench: Bench, space: str) -> None:
    """Train one design from scratch and from shared weights by the same recipe, and validate both as they go."""
    found = [(factor, seed) for factor, seed in TRAININGS if bench.has("shared", space, factor, seed)]
    if not found:
        print(f"gain: no shared weights of {space} yet")
        return
    factor, seed = max(found)
    spec, device = bench.designs(space)[0], check_device(bench.device)
    given = open_shared(str(store(bench, space, factor, seed)), "", bench.device)
    for begin in ("scratch", f"shared {factor}x"):
        if bench.has("gain", space, begin):
            continue
        with seeded(0, device):
            if begin == "scratch":
                network = make_network(spec, bench.proxy, len(bench.dataset.classes)).to(device)
            else:
                network = inherit(given.store, spec, bench.proxy, bench.dataset)
            append(bench.out, "gain", [(space, spec.id, begin, *row) for row in _curve(bench, network)])


def _curve(bench: Bench, network: vitspace.network.Network) -> list[tuple[int, float, float, float]]:
    """Train, and return step, validation loss, accuracy and seconds of the training so far."""
    rows: list[tuple[int, float, float, float]] = []
    few = _few(bench.dataset)
    start, paused = bench.now(), 0.0

    def on_step(done: int, total: int) -> None:
        nonlocal paused
        if done % GAIN_EVERY and done != total:
            return
        now = bench.now()
        with torch.random.fork_rng(devices=[]):
            loss, accuracy = validate(network, bench.proxy, few)
        network.train()
        rows.append((done, loss, accuracy, now - start - paused))
        paused += bench.now() - now

    loss, accuracy = validate(network, bench.proxy, few)
    rows.append((0, loss, accuracy, 0.0))
    start = bench.now()
    fit(network, bench.proxy, bench.dataset, torch.Generator().manual_seed(0), on_step)
    return rows


def _few(dataset: Dataset) -> Dataset:
    every = max(1, len(dataset.val_labels) // GAIN_IMAGES)
    return replace(dataset, val_images=dataset.val_images[::every], val_labels=dataset.val_labels[::every])


def inside(space: str) -> list[Spec]:
    """Return the rows of ablation pairs that are points of a space."""
    opened, rows = vitspace.load_space(space), [row for pair in ablation_pairs() for row in pair.specs]
    return [spec for spec in dict.fromkeys(rows) if spec.family == space and spec in opened]


def pairs(bench: Bench, space: str) -> None:
    """Score the space's ablation rows with shared weights of all designs up to the dearest row."""
    specs = inside(space)
    macs = [vitspace.cost(spec).macs for spec in specs]
    budget, name = f"{max(macs) / 1e6 + 1:.0f}M", f"{space}-ablations"
    if not bench.has("shared", name, PAIRS_FACTOR, 0):
        steps = shared_steps(bench, space, PAIRS_FACTOR, budget, float(np.mean(macs)))
        with bench.clock() as seconds:
            _train_store(bench, space, budget, steps, 0, store(bench, space, PAIRS_FACTOR, 0, name))
        bench.add("shared", name, PAIRS_FACTOR, 0, steps, seconds[0], budget)
    _score_shared(bench, "pairs", space, specs, f"shared {PAIRS_FACTOR}x", store(bench, space, PAIRS_FACTOR, 0, name))


def run(bench: Bench, part: str, spaces: Sequence[str]) -> None:
    """Do one part for some spaces."""
    for space in spaces:
        match part:
            case "draw":
                bench.designs(space)
            case "alone":
                alone(bench, space, SEEDS)
            case "shared":
                for factor, seed in TRAININGS:
                    shared(bench, space, factor, seed)
            case "scores":
                scores(bench, space)
            case "gain":
                gain(bench, space)
            case "pairs":
                pairs(bench, space)


def run_all(bench: Bench, spaces: Sequence[str]) -> None:
    """Do everything, what tells most for its seconds first."""
    for space in spaces:
        alone(bench, space, SEEDS[:1])
        for factor, seed in TRAININGS[:2]:
            shared(bench, space, factor, seed)
        scores(bench, space)
        for factor, seed in TRAININGS[2:]:
            shared(bench, space, factor, seed)
        gain(bench, space)
    for space in spaces:
        alone(bench, space, SEEDS[1:])
    for space in spaces:
        pairs(bench, space)


def missing(bench: Bench, spaces: Sequence[str]) -> list[str]:
    """Say what is not yet measured, a line a part."""
    lines = []
    for space in spaces:
        specs = bench.designs(space)
        for seed in SEEDS:
            left = sum(not bench.has("alone", space, spec.id, seed) for spec in specs)
            lines += [f"alone: {left} designs of {space}, seed {seed}"] if left else []
        for factor, seed in TRAININGS:
            lines += [f"shared: {space} {factor}x seed {seed}"] if not bench.has("shared", space, factor, seed) else []
        left = sum(not bench.has("scores", space, spec.id, TINY) for spec in specs)
        lines += [f"scores: {left} designs of {space}"] if left else []
        if not bench.has("shared", f"{space}-ablations", PAIRS_FACTOR, 0):
            lines.append(f"pairs: {space}")
    return lines


def main() -> None:
    """Do the parts that are asked for, and print what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("all", "draw", "alone", "shared", "scores", "gain", "pairs", "table"))
    parser.add_argument("--data", default="")
    parser.add_argument("--out", type=Path, default=Path("reports/ranking"))
    parser.add_argument("--stores", type=Path, default=Path("shared-weights"))
    parser.add_argument("--spaces", nargs="+", default=list(BANDS))
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(args.out, args.data, args.device, stores=args.stores)
    if args.part == "all":
        run_all(bench, args.spaces)
    elif args.part != "table":
        run(bench, args.part, args.spaces)
    print(report(args.out))
    for line in missing(bench, args.spaces):
        print("not yet measured:", line)


if __name__ == "__main__":
    main()
