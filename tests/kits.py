"""Kits and results that no network was exported or timed for: milliseconds are made up from what is counted."""

import csv
import json

from randoms import random_designs

from vitspace.costs import cost
from vitspace.latency.devices import add_device
from vitspace.latency.time_kit import COLUMNS
from vitspace.space import load_space

KIT = "0123456789ab"
FACTS = {
    **{"device": "Pi 5", "cpu": "Cortex-A76", "cores": "4", "system": "Linux 6 aarch64"},
    **{"python": "3.8.18", "onnxruntime": "1.19.2"},
}
REFERENCE_MS = 100.0


def milliseconds(spec):
    """A device's time of a design."""
    found = cost(spec)
    return 4e-8 * found.macs + 3e-7 * found.activations + 2.0


def kit_specs(count=14):
    """Designs of one family, each twice or four times as wide as it is deep; few different parts."""
    return random_designs(load_space("msg"), count, first={"dim": 2, "head_dim": 1, "mlp_ratio": 2, "shuffle_size": 1})


def write_kit(folder, specs, kit=KIT, img_size=224):
    """Write a kit's list, without the files that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    networks = [{"file": f"{i:03d}.onnx", "spec": spec.to_dict()} for i, spec in enumerate(specs)]
    (folder / "kit.json").write_text(json.dumps({"format": 1, "kit": kit, "img_size": img_size, "networks": networks}))
    return folder


def import_device(folder, name="pi5", specs=None):
    """Keep a device of made-up times."""
    specs = specs or kit_specs()
    results = write_results(folder / "results.csv", rows_of(specs))
    return add_device(name, results, write_kit(folder / "kit", specs))


def rows_of(specs, kit=KIT, **changes):
    """The rows that the script would write; every second design was timed while the device ran at half its speed."""
    rows = []
    for i, spec in enumerate(specs):
        by = 1 + i % 2
        numbers = {"ms": milliseconds(spec) * by, "reference_ms": REFERENCE_MS * by, "sd": 0.01}
        row = {"kit": kit, "file": f"{i:03d}.onnx", **numbers, "rounds": 9, "interrupted": 0}
        rows.append({**row, **FACTS, "date": "2026-11-30", **changes})
    return rows


def write_results(path, rows):
    """Write results as the script does."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
