"""What a calibration is worth on designs held out: a table, and predicted against measured.

python tests/bench/predictor.py CALIBRATION.json [--out reports/bench/predictor_eager]

The file is what `vitspace profile --calibrate` names at its end. Writes OUT.csv, a row a design, and OUT.png. Each
design was predicted by a model fitted on the other nine tenths.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from vitspace.cli.profile_print import print_calibration
from vitspace.latency.calibration import Calibration, load_calibration
from vitspace.plots import style

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C", "#222222"]


def table(calibration: Calibration) -> pd.DataFrame:
    """A row a design; milliseconds at the reference's usual speed, and as measured."""
    measured = calibration.measured
    predicted = np.array(calibration.predicted_ms)
    rows = {
        "spec_id": [sample.spec.id for sample in calibration.samples],
        "family": measured.families,
        "measured_ms": measured.ms,
        "predicted_ms": predicted,
        "error": predicted / measured.ms - 1,
        "as_measured_ms": measured.raw_ms,
        "reference_ms": [sample.reference_ms for sample in calibration.samples],
    }
    return pd.DataFrame(rows).round(4).sort_values(["family", "measured_ms"])


def draw(rows: pd.DataFrame, calibration: Calibration) -> Figure:
    """Predicted over measured, and the errors under it, a colour a family."""
    with style.styled():
        figure = Figure(figsize=(8.0, 8.4), layout="constrained")
        above, below = figure.subplots(2, 1, height_ratios=[2.2, 1], sharex=True)
        both = rows[["measured_ms", "predicted_ms"]]
        span = both.min(axis=None) * 0.9, both.max(axis=None) * 1.1
        above.fill_between(span, [0.9 * x for x in span], [1.1 * x for x in span], label="within 10 %", **style.BAND)
        above.plot(span, span, color=style.INK, linewidth=0.8)
        below.axhspan(-10, 10, **style.BAND)
        below.axhline(0, color=style.INK, linewidth=0.8)
        for colour, (family, group) in zip(COLOURS, rows.groupby("family"), strict=False):
            held = calibration.held_out[str(family)]
            label = f"{family}: {held.within_10:.0%} of {held.designs}"
            look = {"color": colour, "s": 22, "alpha": 0.8, "linewidths": 0}
            above.scatter(group["measured_ms"], group["predicted_ms"], label=label, **look)
            below.scatter(group["measured_ms"], 100 * group["error"], **look)
        _axes(above, below, span)
        held = calibration.held_out["all"]
        figure.suptitle(
            f"{calibration.settings.backend}, one thread, batch 1: {held.designs} designs, each held out\n"
            f"{held.within_10:.0%} within 10 %, Kendall tau {held.tau:.3f}",
            fontsize=12.5,
        )
    return figure


def _axes(above: Axes, below: Axes, span: tuple[float, float]) -> None:
    above.set(xscale="log", yscale="log", xlim=span, ylim=span, ylabel="predicted, ms")
    below.set(xlabel="measured, ms (at the reference network's usual speed)", ylabel="error, %")
    for axis in (above.xaxis, above.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    above.legend(loc="upper left")


def main() -> None:
    """Print what the calibration is worth, and write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    calibration = load_calibration(args.calibration, any_host=True)
    print_calibration(calibration)
    if args.out:
        rows = table(calibration)
        rows.to_csv(args.out.with_suffix(".csv"), index=False)
        with style.styled():
            draw(rows, calibration).savefig(args.out.with_suffix(".png"), metadata=style.METADATA[".png"])


if __name__ == "__main__":
    main()
