"""Samplers on tables: the hypervolume that each reaches, against the number of evaluations.

nice -n 19 python tests/bench/search.py run mat_small --work /tmp/search
nice -n 19 python tests/bench/search.py run transcnn_small --work /tmp/search --samplers pareto random
python tests/bench/search.py report --work /tmp/search --out reports/bench/search
python tests/bench/search.py run mat_small --budget 70M --seeds 5 --trials 100 --work /tmp/budget

A table holds every design of a space, scored once (`search_table.py`). A run is a whole study on the engine optuna,
its designs looked up: the same first draws, the same rejection of duplicates, the same storage in memory. It leaves one
file in --work, and what is there is not run again. Hypervolume is over -score, multiply-adds and milliseconds, as a
share of what the whole table reaches; 0 and 1 of each objective are the table's best and worst, which the study is told
as its reference point. The report keeps the rows that OUT has of tables and samplers that are not in --work.
"""

import argparse
import gzip
import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd

from vitspace import load_space
from vitspace.budget import Budget
from vitspace.files import write_json
from vitspace.latency import LatencySettings
from vitspace.pareto import normalised_hypervolume
from vitspace.searching.engines import run_engine
from vitspace.searching.first import enqueue, first_designs
from vitspace.searching.session import Session
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

DATA = Path(__file__).parent / "data"
SAMPLERS = ("pareto", "tpe", "nsga2", "nsga3", "qmc", "random", "gp")
#: (seeds, evaluations)
SIZES = {"gp": (5, 100), "pareto": (20, 120), "tpe": (20, 200)}
SIZE = (20, 400)
STEPS = [*range(5, 100, 5), *range(100, 401, 20)]


class Table:
    """Every design of a space, with its score and costs, under a budget of FLOPs or under none."""

    def __init__(self, name, budget=None):
        self.name, self.path, self.budget = f"{name}_{budget}" if budget else name, str(DATA / f"{name}.yaml"), budget
        self.space, self.limits = load_space(self.path), Budget.parse(budget)
        with gzip.open(DATA / f"{name}.csv.gz", "rt") as file:
            self.rows = pd.read_csv(file, index_col="spec")
        inside = self.rows[self.rows.macs <= self.limits.macs[1]]
        points = np.stack([-inside.score, inside.macs, inside.latency_ms], axis=1)
        self.best, self.worst = points.min(axis=0), points.max(axis=0)
        self.latency = LatencySettings()
        self.proxy = SimpleNamespace(worst=float(self.worst[0]))
        self.reachable = self.hypervolume(points, whole=True)

    def hypervolume(self, points, whole=False):
        """Share of what the table reaches."""
        found = normalised_hypervolume(points, self.best, self.worst)
        return found if whole else found / self.reachable

    trial = Trial  # what makes one

    def evaluate(self, number, spec, anchor=None, on_step=None, rungs=None):
        """Look a design up, as `vitspace.searching.evaluate.Evaluator` evaluates it."""
        row = self.rows.loc[spec.id]
        costs = {"params": int(row.params), "macs": int(row.macs), "latency_ms": float(row.latency_ms)}
        if why := self.limits.violation(macs=costs["macs"]):
            return Trial(number, "over_budget", spec, why, **costs)
        return Trial(number, "complete", spec, score=float(row.score), **costs)


def run(table, sampler, seed, trials):
    """Run one study; return its points in order, what was rejected, and its seconds."""
    config = StudyConfig(
        accuracy="proxy", space=table.path, budget=table.budget, sampler=sampler, seed=seed, trials=trials
    )
    store = StudyStore.create(optuna.storages.InMemoryStorage(), "bench", config, {})
    store.set(reference_point=table.worst.tolist(), reference={"scores": []})
    began = time.perf_counter()
    enqueue(store, table.space, first_designs(table.space, config))
    run_engine(Session(store, config, table))
    seconds = time.perf_counter() - began
    done = [trial for trial in store.trials() if trial.complete]
    states = pd.Series([trial.state for trial in store.trials()]).value_counts().to_dict()
    assert len({trial.spec for trial in done}) == trials
    assert not any(table.limits.violation(macs=trial.macs) for trial in done)
    return {"table": table.name, "sampler": sampler, "seed": seed, "seconds": seconds, "states": states} | {
        "points": [trial.point for trial in done],
    }


def run_all(options):
    table = Table(options.table, options.budget)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    options.work.mkdir(parents=True, exist_ok=True)
    for seed in range(options.first, options.seeds):
        for sampler in options.samplers:
            seeds, trials = SIZES.get(sampler, SIZE)
            trials = min(trials, options.trials)
            path = options.work / f"{table.name}-{sampler}-{seed}.json"
            if seed < seeds and not (path.exists() and len(json.loads(path.read_text())["points"]) >= trials):
                found = run(table, sampler, seed, trials)
                found["hypervolume"] = {n: table.hypervolume(found["points"][:n]) for n in STEPS if n <= trials}
                write_json(path, found)
                last = list(found["hypervolume"].values())[-1]
                print(f"{path.stem}: {last:.4f} in {found['seconds']:.1f} s, {found['states']}", flush=True)


def curves(work):
    """One row a table, sampler, seed and number of evaluations: the hypervolume."""
    rows = []
    for path in sorted(work.glob("*.json")):
        found = json.loads(path.read_text())
        facts = {key: found[key] for key in ("table", "sampler", "seed")}
        rows += [facts | {"evaluations": int(n), "hypervolume": v} for n, v in found["hypervolume"].items()]
    return pd.DataFrame(rows)


def summary(curves, work):
    """One row a table and sampler: medians, intervals over seeds, and what it takes to reach random's end."""
    rows = []
    for (table, sampler), part in curves.groupby(["table", "sampler"]):
        runs = [json.loads(path.read_text()) for path in work.glob(f"{table}-{sampler}-*.json")]
        if not runs:
            continue
        by_seed = part.pivot(index="seed", columns="evaluations", values="hypervolume")
        random = curves[(curves.table == table) & (curves.sampler == "random") & (curves.evaluations == SIZE[1])]
        reached = by_seed.ge(random.hypervolume.median()).apply(
            lambda row: row.idxmax() if row.any() else np.inf, axis=1
        )
        states = pd.DataFrame([run["states"] for run in runs]).reindex(columns=["duplicate", "invalid", "over_budget"])
        row = {"table": table, "sampler": sampler, "seeds": len(by_seed)}
        for n in (10, 25, 50, 100, 200, 400):
            values = by_seed[n].dropna() if n in by_seed else pd.Series(dtype=float)
            if len(values):
                low, high = values.quantile([0.1, 0.9])
                row |= {f"at_{n}": values.median(), f"at_{n}_p10": low, f"at_{n}_p90": high, f"seeds_{n}": len(values)}
        done = sum(len(run["points"]) for run in runs)
        row |= {"reaches_random_400_at": reached.median(), "latest": reached.max()}
        row |= (states.fillna(0).sum() / done * 100).rename(lambda name: f"{name}_a_100").to_dict()
        rows.append(row | {"seconds_a_trial": sum(run["seconds"] for run in runs) / done})
    return pd.DataFrame(rows)


def draw(curves, path):
    """Draw the median of each sampler, and the band that holds eight of ten seeds."""
    from matplotlib.figure import Figure

    tables = sorted(curves.table.unique())
    figure = Figure(figsize=(6 * len(tables), 4.6), layout="constrained")
    for axes, table in zip(np.atleast_1d(figure.subplots(1, len(tables), sharey=True)), tables, strict=True):
        for number, sampler in enumerate(s for s in SAMPLERS if s in set(curves.sampler)):
            part = curves[(curves.table == table) & (curves.sampler == sampler)].groupby("evaluations").hypervolume
            middle, low, high = part.median(), part.quantile(0.1), part.quantile(0.9)
            line = {"linewidth": 2.4 if sampler == "pareto" else 1.2, "color": f"C{number}", "label": sampler}
            axes.plot(middle.index, middle, **line)
            axes.fill_between(middle.index, low, high, color=f"C{number}", alpha=0.12, linewidth=0)
        axes.set(title=table, xlabel="evaluations", ylim=(0.4, 1.01))
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("hypervolume, share of the table's")
    figure.axes[-1].legend(loc="lower right")
    figure.savefig(path, dpi=130)


def report(work, out):
    """Write OUT_curves.csv, OUT.csv and OUT.png."""
    paths = {"curves": out.with_name(f"{out.name}_curves.csv"), "summary": out.with_suffix(".csv")}
    table = with_kept(curves(work), paths["curves"])
    found = with_kept(summary(table, work), paths["summary"])
    found.to_csv(paths["summary"], index=False, float_format="%.4f")
    table.to_csv(paths["curves"], index=False, float_format="%.5f")
    draw(table, out.with_suffix(".png"))
    print(found.round(3).to_string())


def with_kept(rows, path):
    """Return the rows with those that a file has of other tables and samplers."""
    if not path.exists():
        return rows
    kept, keys = pd.read_csv(path), ["table", "sampler"]
    others = kept[~kept.set_index(keys).index.isin(rows.set_index(keys).index)]
    return pd.concat([others, rows]).sort_values(keys, kind="stable", ignore_index=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("table", nargs="?")
    parser.add_argument("--budget", help="of FLOPs, 70M, for the studies to be under")
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=SAMPLERS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=SIZE[0])
    parser.add_argument("--trials", type=int, default=SIZE[1])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.what == "run":
        run_all(options)
    else:
        report(options.work, options.out)


if __name__ == "__main__":
    main()
