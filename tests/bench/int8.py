"""Anchors in int8 beside float32, in onnxruntime and OpenVINO: scores, size, milliseconds.

python tests/bench/int8.py [--only mat_1 ...] [--time] [--graphs DIR] [--out reports/bench]

Networks are as initialised with seed 0, at 224 px, one image on one thread; scores are compared on the six crops of two
photographs that the ranges are of, too. Without --time only what needs no quiet machine is done: export, quantisation,
scores, sizes. int8.csv is written after each network, and the next run goes on there; graphs are kept under --graphs.
Published networks of one design are one row.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pandas as pd

import vitspace.families  # noqa: F401 (the anchors' specs are its)
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost
from vitspace.export.graphs import save_openvino
from vitspace.export.int8 import cosines
from vitspace.export.model import untrained
from vitspace.files import write_atomic
from vitspace.latency.backends import onnx_model, onnx_runner, openvino_core, openvino_model, openvino_runner
from vitspace.latency.photographs import photographs
from vitspace.latency.protocol import interleave, pinned
from vitspace.latency.quantising import quantised_onnx, quantised_openvino
from vitspace.machine.host import machine

IMAGES = photographs(224, 224)
CLOCKS = {"onnxruntime": time.thread_time, "openvino": time.process_time}
KEY = ["anchor", "backend"]
TIMES = ["float32_ms", "int8_ms", "core_share"]


def graph_path(anchor, folder: Path) -> Path:
    """Return where an anchor's ONNX file lies."""
    return folder / f"{anchor.id}.onnx"


def graph(anchor, folder: Path) -> Path:
    """Return an anchor's network as an ONNX file, exported if it is not there."""
    path = graph_path(anchor, folder)
    if not path.exists():
        write_atomic(path, onnx_model(untrained(anchor.spec, 1000, 224), IMAGES[:1]).SerializeToString())
    return path


def quantised(backend: str, path: Path) -> Path:
    """Return the int8 file of an ONNX file, made if it is not there."""
    if backend == "onnxruntime":
        out = path.with_suffix(".int8")
        if not out.exists():
            write_atomic(out, quantised_onnx(onnx.load(path), IMAGES).SerializeToString())
        return out
    plain, out = path.with_suffix(".float32.xml"), path.with_suffix(".int8.xml")
    if not out.exists():
        model = openvino_model(path.read_bytes())
        save_whole(model, plain)
        save_whole(quantised_openvino(model, IMAGES), out)
    return out


def save_whole(model, path: Path) -> None:
    """Write an OpenVINO model under another name first, so that a file that is there is whole."""
    parts = save_openvino(model, path.with_suffix(".part.xml"))
    for part in reversed(parts):  # the weights first
        part.rename(path.with_suffix(part.suffix))


def runners(backend: str, path: Path, image) -> list:
    """Return what runs float32 and int8 on an image."""
    files = [path, quantised(backend, path)]
    if backend == "onnxruntime":
        return [onnx_runner(file.read_bytes(), image, 1) for file in files]
    models = [openvino_model(path.read_bytes()), openvino_core().read_model(files[1])]
    return [openvino_runner(model, image, 1) for model in models]


def size(backend: str, path: Path) -> list[int]:
    """Return the bytes of the files in float32 and int8."""
    files = [path, quantised(backend, path)]
    if backend == "onnxruntime":
        return [file.stat().st_size for file in files]
    files[0] = path.with_suffix(".float32.xml")
    return [sum(file.with_suffix(end).stat().st_size for end in (".xml", ".bin")) for file in files]


def compared(backend: str, path: Path) -> dict:
    """Return how scores and sizes compare."""
    image, scores = IMAGES[:1].clone(), []
    runs = runners(backend, path, image)  # they read the image anew each time
    for each in IMAGES:
        image[0] = each
        scores.append([np.array(run()[0]).reshape(-1) for run in runs])
    plain, int8 = (np.stack(each) for each in zip(*scores, strict=True))
    alike, bytes_ = cosines(int8, plain), size(backend, path)
    found = {"cosine": round(float(alike.mean()), 5), "cosine_least": round(float(alike.min()), 5)}
    found["same_top1"] = round(float((plain.argmax(1) == int8.argmax(1)).mean()), 3)
    return found | {"float32_mb": round(bytes_[0] / 1e6, 2), "int8_mb": round(bytes_[1] / 1e6, 2)}


def timed(backend: str, path: Path) -> dict:
    """Return the milliseconds of both."""
    with pinned(1):
        timing = interleave(runners(backend, path, IMAGES[:1]), 15, clock=CLOCKS[backend])
    plain, int8 = (round(float(ms), 2) for ms in np.median(timing.times, axis=1))
    return dict(zip(TIMES, (plain, int8, round(timing.core_share, 3)), strict=True))


def save(rows: dict, folder: Path) -> None:
    """Write the rows so far as int8.csv and int8.md, each row with the host that it is of."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows.values())
    write_atomic(folder / "int8.csv", table.to_csv(index=False))
    shown = table.copy()
    if "int8_ms" in shown:
        shown["ratio"] = (shown["int8_ms"] / shown["float32_ms"]).round(2)
    lines = [
        "# Int8 beside float32\n",
        "`python tests/bench/int8.py --time --out reports/bench`, on the host and the date of each row.",
        "Networks are as initialised with seed 0, so that cosine and top-1 say how far rounding moves random networks; "
        "one image of 224 px on one thread; six crops of scikit-learn's photographs, for ranges and scores alike.\n",
        shown.to_markdown(index=False),
    ]
    write_atomic(folder / "int8.md", "\n".join(lines) + "\n")


def main() -> None:
    """Compare or time the anchors that are not yet in the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="ids of anchors")
    parser.add_argument("--time", action="store_true", help="time float32 and int8 in turn as well")
    parser.add_argument("--graphs", type=Path, default=Path(os.environ.get("TMPDIR", "/tmp")) / "vitspace-int8")
    parser.add_argument("--out", type=Path, default=Path("reports/bench"))
    args = parser.parse_args()
    args.graphs.mkdir(parents=True, exist_ok=True)
    csv = args.out / "int8.csv"
    before = pd.read_csv(csv).to_dict("records") if csv.exists() else []
    rows = {tuple(row[name] for name in KEY): row for row in before}
    anchors = [each for each in main_anchors() if each.spec is not None and each.id in (args.only or [each.id])]
    for anchor in sorted(anchors, key=lambda each: (not graph_path(each, args.graphs).exists(), cost(each.spec).macs)):
        for backend in CLOCKS:
            row = rows.get((anchor.id, backend))
            if row is not None and (not args.time or pd.notna(row.get("int8_ms"))):
                continue
            path, here = graph(anchor, args.graphs), machine()
            facts = {"anchor": anchor.id, "backend": backend, "host": here["host"], "cpu": here["cpu"]}
            row = (row or facts | compared(backend, path)) | (timed(backend, path) if args.time else {})
            rows[anchor.id, backend] = row | facts | {"date": here["date"]}
            save(rows, args.out)
            print(row, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
