"""What a run in PyTorch before the export to ONNX would tell of a design's time in onnxruntime.

python tests/bench/eager_first.py

Designs that were timed in both on one host, of the shipped ones. Their time in onnxruntime is predicted without itself
three ways: from what is counted, as searches do before they export; by their time in PyTorch, times what the other
designs of the family take more or less in onnxruntime; and from what is counted, corrected by how far PyTorch's time is
from its own prediction, as well as that does. Errors are of logarithms.
"""

import numpy as np
import pandas as pd

from vitspace.latency.counted import SCALES, CountedLatency
from vitspace.latency.table import shipped
from vitspace.latency.timed import TimedDesign

EAGER, EXPORTED = "eager", "onnxruntime"
#: Designs in both of a host that tell anything.
FEWEST = 12


def left_out(rows: list[TimedDesign]) -> dict[str, float]:
    """Return how far each design's time is from its prediction by the others, by design."""
    model = CountedLatency(rows, [], 1.0, SCALES[rows[0].backend])
    ids = np.unique([row.spec_id for row in rows], return_inverse=True)[1]
    return dict(zip((row.spec_id for row in rows), model.process.left_out(ids)[0].tolist(), strict=True))


def by_family(rows: pd.DataFrame) -> pd.Series:
    """Return how far each design's ratio of onnxruntime to PyTorch is from that of the others of its family."""
    change = rows["exported"] - rows["eager"]
    family = change.groupby(rows["family"])
    others = (family.transform("sum") - change) / (family.transform("count") - 1)
    return change - others.fillna((change.sum() - change) / (len(change) - 1))


def compare(host: str) -> pd.DataFrame:
    """Return the errors of the three ways on a host, a row a design."""
    times = {name: [row for row in shipped() if (row.backend, row.host) == (name, host)] for name in (EAGER, EXPORTED)}
    ratios = {name: {row.spec_id: np.log(row.ms / row.reference_ms) for row in rows} for name, rows in times.items()}
    both = [row for row in times[EXPORTED] if row.spec_id in ratios[EAGER]]
    if len(both) < FEWEST:
        return pd.DataFrame()
    rows = pd.DataFrame({"family": [row.family for row in both]}, index=[row.spec_id for row in both])
    rows["eager"], rows["exported"] = (rows.index.map(ratios[name]) for name in (EAGER, EXPORTED))
    counted, told = (pd.Series(left_out(times[name]))[rows.index] for name in (EXPORTED, EAGER))
    slope = (told * counted).sum() / (told * told).sum()
    return pd.DataFrame({"counted": counted, "PyTorch": by_family(rows), "both": counted - slope * told})


def main() -> None:
    """Print the table."""
    for host in sorted({row.host for row in shipped()}):
        found = compare(host).abs()
        if found.empty:
            continue
        print(f"{host}, {len(found)} designs timed in both")
        print(found.quantile([0.5, 0.8, 0.95]).map("{:.1%}".format).to_string())


if __name__ == "__main__":
    main()
