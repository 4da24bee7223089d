"""Processor seconds that our sampler takes for a proposal, by space and by trials so far.

python tests/bench/proposing.py [--out reports/bench/proposing.csv]

Trials are made up: designs within the budget, with a score that is a function of their costs and noise. The first
proposal of a process, which makes the pool and costs stages for the first time, is told apart.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
import optuna

from vitspace import load_space
from vitspace.budget import Budget
from vitspace.searching.pareto import ParetoSampler
from vitspace.study.config import StudyConfig
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

TRIALS = (20, 100, 400)
REPEATS = 5


def grow(store, sampler, count, rng):
    """Add made-up trials until there are so many."""
    while (number := len(store.frozen())) < count:
        rows, costs = sampler._fitting(sampler._descend(sampler._pool, 64, rng), set())
        params, macs = int(costs.params[0]), int(costs.macs[0])
        spec = sampler.space.decode(sampler.population.params(rows[0]))
        score = float(np.log(params) + 0.3 * rng.normal())
        trial = Trial(number, "complete", spec, params=params, macs=macs, latency_ms=macs / 5e7, score=score)
        store.study.enqueue_trial(sampler.space.encode(spec))
        store.save(store.study.ask(), trial)


def propose(store, sampler, number):
    frozen = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
    frozen.number = number
    began = time.process_time()
    sampler.sample_relative(store.study, frozen, {})
    return time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = []
    for name, budget in (("msg", "4G"), ("mat", "1G"), ("unified", "4G")):
        space = load_space(name)
        store = StudyStore.create(optuna.storages.InMemoryStorage(), "s", StudyConfig(accuracy="proxy", space=name), {})
        sampler, rng = ParetoSampler(space, Budget.parse(budget), 0), np.random.default_rng(0)
        first = propose(store, sampler, 0)
        for count in TRIALS:
            grow(store, sampler, count, rng)
            fitting = propose(store, sampler, count)
            seconds = [propose(store, sampler, count + i) for i in range(REPEATS)]
            rows.append({"space": name, "budget": budget, "trials": count, "first_s": round(first, 3)})
            rows[-1] |= {"with_weights_s": round(fitting, 3), "median_s": round(float(np.median(seconds)), 4)}
            print(rows[-1], flush=True)
    with options.out.open("w") if options.out else sys.stdout as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
