"""Where a forward's time goes, by kind of operator, in onnxruntime or OpenVINO: one thread, one image.

python tests/bench/operators.py MODEL [MODEL] --backend openvino --out reports/bench/operators.csv

Times are medians of the runs, added up over the operators of a kind; `share` is of the network's own sum.
"""

import argparse
import csv
import json
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import timm
import torch

import vitspace.families  # noqa: F401 (registers our models with timm)
from vitspace.latency.backends import onnx_bytes
from vitspace.machine.host import cpu

FIELDS = ["cpu", "backend", "model", "kind", "count", "ms", "share"]
Times = dict[tuple[str, str], list[float]]


def onnxruntime(graph: bytes, image: np.ndarray, runs: int) -> Times:
    """Milliseconds of every run, by operator and kind."""
    import onnxruntime as ort

    with TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_profiling, options.profile_file_prefix = True, f"{folder}/profile"
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        for _ in range(runs):
            session.run(None, {session.get_inputs()[0].name: image})
        events = json.loads(Path(session.end_profiling()).read_text())
    times: Times = defaultdict(list)
    for event in events:
        if event["name"].endswith("_kernel_time"):
            times[event["name"], event["args"]["op_name"]].append(event["dur"] / 1e3)
    return times


def openvino(graph: bytes, image: np.ndarray, runs: int) -> Times:
    """Milliseconds of every run, by operator and kind."""
    import openvino as ov

    core = ov.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "PERF_COUNT": True}
    request = core.compile_model(core.read_model(graph), "CPU", settings).create_infer_request()
    times: Times = defaultdict(list)
    for _ in range(runs):
        request.infer({0: image})
        for done in request.get_profiling_info():
            if done.status == ov.ProfilingInfo.Status.EXECUTED:
                name = f"{done.node_type} ({done.exec_type})"
                times[done.node_name, name].append(done.real_time.total_seconds() * 1e3)
    return times


def main() -> None:
    """Profile the models and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--backend", choices=["onnxruntime", "openvino"], default="onnxruntime")
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = []
    for model in args.models:
        network = timm.create_model(model).eval()
        image = torch.randn(1, *network.default_cfg["input_size"])
        run = {"onnxruntime": onnxruntime, "openvino": openvino}[args.backend]
        times = run(onnx_bytes(network, image), image.numpy(), args.runs)
        spent: Counter[str] = Counter()
        for (_, kind), of_runs in times.items():
            spent[kind] += np.median(of_runs)
        for kind, ms in spent.most_common(12):
            count = sum(name[1] == kind for name in times)
            numbers = {"count": count, "ms": round(ms, 2), "share": round(ms / spent.total(), 3)}
            rows.append({"cpu": cpu()["cpu"], "backend": args.backend, "model": model, "kind": kind, **numbers})
            print("  ".join(f"{name} {rows[-1][name]}" for name in FIELDS), flush=True)
    if args.out:
        with args.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
