"""What large images cost beside their area: FLOPs and activations, counted, and peak memory, measured.

python tests/bench/large_images.py --out reports/dense [--memory]

One published network of each family, as the backbone of dense tasks: windows and grids stay those of 224 pixels, and
maps are padded to them. ``flops_by_area`` and ``activations_by_area`` are those of the stem and stages over those at
224, over the areas' ratio: 1 is a network that scales with the area. Activations are output elements of convolutions,
linear layers and attention products. With --memory each network runs one image in a process of its own; ``peak_mb`` is
the process's peak less what it had before the network was built (PyTorch, one thread, float32).
"""

import argparse
import csv
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

import vitspace
from vitspace.costs.networks import count_body
from vitspace.machine.host import cpu
from vitspace.plots import style
from vitspace.plots.names import readable_name
from vitspace.plots.style import looks
from vitspace.profile.memory import peak_memory

DESIGNS = ("msg_tiny", "emsnet_tiny", "mat_4", "partialformer_b2", "vt_r18", "transcnn_small")
SIZES = (224, 320, 448, 512, 640, 800, 1024, 1333)
#: Sizes at which memory is measured.
MEASURED = (224, 448, 800, 1333)
FIELDS = ["design", "size", "gflops", "flops_by_area", "activations_by_area", "attention_share", "peak_mb", "cpu"]
Row = dict[str, Any]


def counted(design: str) -> list[Row]:
    """Count a design at each size."""
    spec = vitspace.anchor(design).spec
    own = count_body(spec, SIZES[0]).total
    rows = []
    for size in SIZES:
        total, area = count_body(spec, size).total, (size / SIZES[0]) ** 2
        rows.append(
            {
                "design": design,
                "size": size,
                "gflops": round(total.macs / 1e9, 2),
                "flops_by_area": round(total.macs / own.macs / area, 3),
                "activations_by_area": round(total.activations / own.activations / area, 3),
                "attention_share": round(total.attention_macs / total.macs, 3),
            }
        )
    return rows


def with_memory(row: Row) -> Row:
    """Add the measured peak to a row of a size at which it is measured."""
    if row["size"] not in MEASURED:
        return row
    found = peak_memory(vitspace.anchor(row["design"]).spec, row["size"])
    print(row["design"], row["size"], round(found.network_mb), flush=True)
    return row | {"peak_mb": round(found.network_mb), "cpu": cpu()["cpu"]}


def draw(rows: list[Row]) -> Figure:
    """Draw FLOPs, activations and memory against the side of the image."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    titles = {
        "flops_by_area": "FLOPs a pixel, 1 at 224 (counted)",
        "activations_by_area": "activations a pixel, 1 at 224 (counted)",
        "peak_mb": "peak memory, MB (measured)",
    }
    colours = looks([vitspace.anchor(name).family for name in DESIGNS])
    for panel, (field, title) in zip(panels, titles.items(), strict=True):
        for name in DESIGNS:
            points = [(int(row["size"]), float(row[field])) for row in rows if row["design"] == name and row.get(field)]
            colour, mark = colours[vitspace.anchor(name).family]
            if points:
                panel.plot(
                    *zip(*points, strict=True), color=colour, marker=mark, markersize=5, label=readable_name(name)
                )
        _axes(panel, title, field)
    panels[0].legend(fontsize=8.5)
    return figure


def _axes(panel: Axes, title: str, field: str) -> None:
    panel.set_title(title, fontsize=10)
    panel.set_xlabel("side of the image, pixels")
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(FixedLocator([224, 320, 448, 640, 800, 1333]))
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_locator(NullLocator())
    panel.tick_params(labelsize=8.5)
    if field == "peak_mb":
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(FixedLocator([50, 100, 200, 300, 400, 500, 700, 1000]))
        panel.yaxis.set_major_formatter(ScalarFormatter())
        panel.yaxis.set_minor_locator(NullLocator())
    else:
        panel.axhline(1, **style.REFERENCE)


def main() -> None:
    """Write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--memory", action="store_true", help="Measure peak memory as well.")
    args = parser.parse_args()
    rows = [row for name in DESIGNS for row in counted(name)]
    if args.memory:
        rows = [with_memory(row) for row in rows]
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "large_images.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with style.styled():
        draw(rows).savefig(args.out / "large_images.png", metadata=style.METADATA[".png"])


if __name__ == "__main__":
    main()
