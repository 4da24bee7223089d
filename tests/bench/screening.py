"""Screening: designs counted and estimated a second on one core, and how far that is off from one design alone.

python tests/bench/screening.py [--space msg] [--designs 100000]
"""

import argparse
import time

import numpy as np

from vitspace.accuracy.prediction import summed
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.screen import screen
from vitspace.budget import Budget
from vitspace.machine.host import machine
from vitspace.space import load_space
from vitspace.space.population import Population

_ALONE = 200


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="msg")
    parser.add_argument("--designs", type=int, default=100_000)
    args = parser.parse_args()
    space = load_space(args.space)
    specs = space.draw(2 * _ALONE, budget=Budget.parse("4G"), seed=1)
    population = Population(space)
    rows = population.array(specs)
    families = np.array([predictor().family(name) for name in population.families(rows)])
    _, counted = population.counted(rows)
    few = screen(counted, families, population.stages(rows))  # all is known and loaded
    alone = summed(specs[:_ALONE])
    times = args.designs // len(rows) + 1
    many, codes = np.tile(rows, (times, 1))[: args.designs], np.tile(families, times)[: args.designs]
    began = time.process_time()
    screen(population.counted(many)[1], codes, population.stages(many))
    spent = time.process_time() - began
    print(" ".join(f"{key}={value}" for key, value in machine().items()))
    print(f"{args.designs / spent:,.0f} designs a second of processor time")
    for name in ("mean", "sd"):
        off = np.abs(np.array([getattr(each, name) for each in alone]) - getattr(few, name)[:_ALONE])
        print(f"{name}: off by {off.max():.3f} points at most, {off.mean():.3f} on average")


if __name__ == "__main__":
    main()
