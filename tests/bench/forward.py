"""Our forwards against timm's, in turn in one process: the ratio of medians beside the paper's.

python tests/bench/forward.py [--backend eager] [--rounds 30] [--out reports/bench/forward-CPU.csv]

One thread, one image, all back ends that are installed; the CPU's name stands in every row.

With --plain ours take the plain graph, the papers' own: what the faster ways to compute the same functions are worth.
"""

import argparse
import csv
import sys
from functools import cache
from pathlib import Path

import numpy as np
import timm
import torch

import vitspace.families  # noqa: F401 (registers our models with timm)
from vitspace.latency.backends import lacking, prepare
from vitspace.latency.protocol import Runner, interleave, pinned
from vitspace.layers.plain import plain_graph
from vitspace.machine.host import cpu, machine

# ours, peer, image size of the peer, the ratio the paper prints, our goal for the best of the back ends
PAIRS = [
    ("msg_tiny", "swin_tiny_patch4_window7_224", 224, 157 / 189, 0.65),
    ("msg_small", "swin_small_patch4_window7_224", 224, 272 / 346, 0.72),
    ("emsnet_xxtiny", "pvt_v2_b0", 224, 50.1 / 67.3, 0.58),
    ("emsnet_xxtiny", "mobilevitv2_050", 256, 50.1 / 34.4, 0.95),
    ("emsnet_xtiny", "mobilevit_xs", 256, 70.3 / 99.7, 0.68),
    ("mat_2", "pvt_v2_b0", 224, None, 0.80),
    ("partialformer_b1", "pvt_v2_b0", 224, None, 0.82),
    ("vt_r18", "resnet18", 224, None, 0.82),
    ("vt_r34", "resnet34", 224, None, None),
    ("transcnn_small", "resnet50", 224, None, 0.62),
]
BACKENDS = ["eager", "onnxruntime", "openvino"]
FIELDS = [
    "cpu",
    "ours",
    "peer",
    "backend",
    "ours_ms",
    "peer_ms",
    "ratio",
    "ratio_p10",
    "ratio_p90",
    "paper",
    "goal",
    "core_share",
]


@cache
def runner(backend: str, name: str, size: int, plain: bool) -> Runner:
    """Return what runs a model of timm's registry on one image; it is made once for all its pairs."""
    runs = prepare(backend, timm.create_model(name).eval(), torch.randn(1, 3, size, size), 1)

    def run_plain() -> object:
        with plain_graph():
            return runs()

    return run_plain if plain else runs


def compare(ours: str, peer: str, peer_size: int, backend: str, rounds: int, plain: bool) -> dict:
    """Time one pair; the ratio is of medians, its percentiles are of the rounds."""
    with pinned(1):
        timing = interleave([runner(backend, peer, peer_size, False), runner(backend, ours, 224, plain)], rounds)
    peer_ms, ours_ms = np.median(timing.times, axis=1)
    low, high = np.percentile(timing.times[1] / timing.times[0], [10, 90])
    numbers = {"ours_ms": ours_ms, "peer_ms": peer_ms, "ratio": ours_ms / peer_ms, "ratio_p10": low, "ratio_p90": high}
    rounded = {name: round(float(value), 3) for name, value in numbers.items()}
    return {"ours": ours, "peer": peer, "backend": backend, "core_share": round(timing.core_share, 3), **rounded}


def main() -> None:
    """Run all pairs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--only", help="run pairs whose own model begins so")
    parser.add_argument("--plain", action="store_true", help="ours take the plain graph; eager only")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = []
    print(" ".join(f"{key}={value}" for key, value in machine().items()), file=sys.stderr)
    installed = [name for name in BACKENDS if not lacking(name)]
    for ours, peer, size, paper, goal in PAIRS:
        if args.only and not ours.startswith(args.only):
            continue
        for backend in ["eager"] if args.plain else args.backend or installed:
            row = compare(ours, peer, size, backend, args.rounds, args.plain)
            row |= {"cpu": cpu()["cpu"], "paper": round(paper, 2) if paper else "", "goal": goal or ""}
            rows.append(row)
            print("  ".join(f"{name} {row[name]}" for name in FIELDS), flush=True)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with args.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
