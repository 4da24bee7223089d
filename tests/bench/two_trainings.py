"""What stays of a search by shared weights when these are trained anew with another seed?

    python tests/bench/two_trainings.py reports/ems-shared [--proxies supernet:ems-0.25G-seed0 supernet:ems-0.25G-seed1]

Reads the searches in the folder, one a training (``seed0``, ``seed1``), and compares the designs that both have scored.
With --proxies all their designs are scored with each of the trainings first. Prints how far the two orders agree, which
designs are on the front of score, FLOPs and latency by both, which lead by both, and what the seed of the training is
worth in nats; the scores are kept in ``both.csv`` beside the searches. A latency is that of the first search that timed
the design.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ranking_table import front, stays, tau_of

import vitspace
from vitspace.errors import InputError
from vitspace.proxies import open_proxy
from vitspace.proxies.evidence import evidence_of
from vitspace.spec import Spec

#: Designs that count as leading.
BEST = 5


def designs(searches: Sequence[Path]) -> pd.DataFrame:
    """Return the designs of some searches: a row a design, by id, with its spec, costs and scores."""
    rows: dict[str, dict[str, object]] = {}
    for number, search in enumerate(searches):
        study = json.loads((search / "study.json").read_text())
        for trial in study["trials"]:
            if trial["state"] != "complete":
                continue
            spec = Spec.from_dict(study["specs"][trial["spec_id"]])
            size = vitspace.cost(spec)
            row = {"macs": size.macs, "params": size.params, "latency_ms": trial["latency_ms"], "of": search.name}
            known = rows.setdefault(spec.id, row | {"top1": top1(spec), "spec": spec})
            known[f"score_{number}"] = trial["score"]
            if known["of"] != search.name:
                known["of"] = "both"
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")


def top1(spec: Spec) -> float:
    """Return the estimate, or NaN of a design for which there is none, as where its positions do not meet."""
    try:
        return vitspace.predict_top1(spec).mean
    except InputError:
        return float("nan")


def compared(table: pd.DataFrame, one: str, other: str) -> list[str]:
    """Return what two columns of scores agree on, a line each."""
    lines = []
    for name in ("all", *dict.fromkeys(table.of)):
        part = table if name == "all" else table[table.of == name]
        if len(part) > 2:
            tau, (low, high) = tau_of(part[one], part[other])
            which = "all" if name == "all" else f"drawn by {name},"
            lines.append(f"{which} {len(part)} designs: tau of the two trainings {tau:.2f} [{low:.2f}, {high:.2f}]")
    for against in ("params", "macs", "top1"):
        known = table.dropna(subset=[against])
        taus = [tau_of(known[name], known[against]) for name in (one, other)]
        said = ", ".join(f"{tau:.2f} [{low:.2f}, {high:.2f}]" for tau, (low, high) in taus)
        lines.append(f"tau with {against} of {len(known)} designs: {said}")
    spread, apart = table[[one, other]].std().mean(), float((table[one] - table[other]).std() / np.sqrt(2))
    lines.append(f"scores have a standard deviation of {spread:.3f} nats; a training moves one by {apart:.3f}")
    lines.append(stays(table[[one, other]], table[["macs", "latency_ms"]], BEST))
    fronts = [front(table[name], table[["macs", "latency_ms"]]) for name in (one, other)]
    tops = [set(table[name].nlargest(BEST).index) for name in (one, other)]
    lines.append(f"on both fronts: {', '.join(sorted(fronts[0] & fronts[1])) or 'none'}")
    lines.append(f"among the best of both: {', '.join(sorted(tops[0] & tops[1])) or 'none'}")
    return lines


def main() -> None:
    """Score, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--proxies", nargs=2, default=())
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = designs(sorted(path.parent for path in args.folder.glob("*/study.json")))
    names = ["score_0", "score_1"]
    for name, text in zip(names, args.proxies, strict=False):
        proxy = open_proxy(text, "", "cpu")
        table[name] = [proxy.score(spec, 0).value for spec in table.spec]
        print(f"{name}: {proxy.name}; {evidence_of(proxy.name).words()}", flush=True)
    table = table.dropna(subset=names)
    table.drop(columns="spec").to_csv(args.folder / "both.csv", float_format="%.6g")
    print(*compared(table, *names), sep="\n")


if __name__ == "__main__":
    main()
