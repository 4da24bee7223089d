"""Prints the results of vitspace profile for a reader."""

from collections.abc import Sequence

from rich.table import Table

from vitspace.cli import console
from vitspace.cli.screen import table
from vitspace.costs import CONVENTION
from vitspace.costs.audit import COUNTERS, COUNTS, Audit
from vitspace.doubt import doubt_of, shortfall_of
from vitspace.image_sizes import format_image_size
from vitspace.latency import Latency
from vitspace.latency.calibration import Calibration
from vitspace.latency.cuda import CudaLatency
from vitspace.latency.predictor import LatencyPrediction
from vitspace.profile import Profile
from vitspace.tasks.dense import DenseTask
from vitspace.tasks.heads import DETECTION
from vitspace.units import format_count
from vitspace.words import plural

_CURE = "an unsure latency is sure once this command has measured it again on a quiet machine"


def print_profile(result: Profile) -> None:
    """Print the parts, the totals, the latency and the memory."""
    screen = console()
    screen.print(_parts(result))
    if result.sections:
        screen.print("", _sections(result), sep="\n")
    costs = result.costs
    what = f"for {result.task}" if result.task else f"at {format_image_size(result.img_size)} px"
    macs, attention = format_count(costs.macs), format_count(costs.attention_macs)
    lines = [
        f"\n{result.name} {what}: {costs.params:,} params, {macs} FLOPs ({attention} of them attention "
        f"products), {format_count(costs.activations)} activations",
        *([f"FLOPs are {result.beside.words(costs.macs)}"] if result.beside else []),
        *(_latency(*pair) for pair in zip(result.latency, result.predictions, strict=True)),
    ]
    if _is_unsure(result):
        lines.append(_CURE)
    if result.task:
        lines.append(_timed_words(result.task))
    if result.memory:
        memory = result.memory
        lines.append(
            f"memory of a fresh process for one image: {memory.peak_mb:.0f} MB at most, {memory.network_mb:.0f} MB of "
            f"them by the network ({4 * costs.params / 1e6:.0f} MB weights)"
        )
    for line in [*lines, CONVENTION]:
        screen.print(line, soft_wrap=True)


def print_profiles(results: Sequence[Profile]) -> None:
    """Print a row for each network, and below what is known badly."""
    first = results[0]
    kinds = [latency.backend if isinstance(latency, Latency) else latency.device for latency in first.latency]
    predicted = any(prediction for result in results for prediction in result.predictions)
    headings = ["design", "px", "params", "FLOPs"]
    for kind in kinds:
        headings += [f"ms ({kind})", "95 % interval", *(["predicted ms"] if predicted else [])]
    screen = console()
    screen.print(table([*headings, "memory, MB"], [_row(result, predicted) for result in results], numbers=True))
    what, timed = first.task or "classification", first.latency[0]
    lines = [f"\nms: the median for {plural(timed.batch, 'image')} at once in {timed.dtype}; for {what}"]
    for result in results:
        lines += [f"{result.name}, {each.backend}: {said}" for each in result.latency if (said := _caveats(each))]
    lines += [_CURE] if any(map(_is_unsure, results)) else []
    for line in [*lines, CONVENTION]:
        screen.print(line, soft_wrap=True)


def _is_unsure(result: Profile) -> bool:
    """Whether a latency is unsure that a quiet machine makes sure."""
    return any(isinstance(latency, Latency) and latency.unsure for latency in result.latency)


def _row(result: Profile, predicted: bool) -> list[str]:
    cells = [result.name, format_image_size(result.img_size)]
    cells += [format_count(result.costs.params), format_count(result.costs.macs)]
    for latency, prediction in zip(result.latency, result.predictions, strict=True):
        cells += [f"{latency.median_ms:.1f}", f"{latency.low_ms:.1f} to {latency.high_ms:.1f}"]
        if isinstance(latency, Latency) and prediction:
            cells.append(f"{prediction.at_speed(latency.usual_ms).ms:.1f}")
        elif predicted:
            cells.append("-")
    return [*cells, f"{_memory_mb(result):.0f}"]


def _memory_mb(result: Profile) -> float:
    """Return what a network takes of a process's memory for one image, or the most on a GPU for a batch."""
    if result.memory:
        return result.memory.network_mb
    return max(latency.peak_mb for latency in result.latency if isinstance(latency, CudaLatency))


def _caveats(latency: Latency | CudaLatency) -> str:
    """Say that a latency is unsure, or misses the precision that was asked for, and why."""
    if isinstance(latency, CudaLatency):
        return f"unsure: {latency.doubt}" if latency.doubt else ""
    doubt = [f"unsure: {doubt_of(latency)}"] if latency.unsure else []
    return "; ".join([*doubt, *filter(None, [shortfall_of(latency)])])


def print_calibration(calibration: Calibration) -> None:
    """Print the held-out errors of a predictor, family by family."""
    headings = ("held out", "within 10 %", "as measured", "Kendall tau", "median error", "95 % within", "worst")
    rows = []
    for name, row in calibration.held_out.items():
        shares = [f"{share:.0%}" for share in (row.within_10, row.within_10_raw)]
        errors = [f"{error:.1%}" for error in (row.median_error, row.error, row.worst_error)]
        rows.append((name, str(row.designs), *shares, f"{row.tau:.3f}", *errors))
    screen = console()
    screen.print(table((calibration.settings.backend, *headings), rows, numbers=True))
    screen.print(
        f"measured in {calibration.minutes:.1f} min. Errors are at the reference network's usual speed; 'as measured' "
        "includes changes of the machine's speed.",
        soft_wrap=True,
    )


def print_audit(audit: Audit) -> None:
    """Print the counts by operator, how what runs differs, and the operators that each counter leaves out."""
    rows = []
    for row in audit.rows:
        counts = [getattr(row, name) for name in COUNTS]
        rows.append((row.operator, *("" if n is None else f"{n:,}" for n in counts)))
    screen = console()
    screen.print("\nmultiply-adds by counter (torch's own count is twice that)")
    screen.print(table(("operator", *(name.replace("_", " ") for name in COUNTS)), rows, numbers=True))
    screen.print(_as_run(audit.difference), soft_wrap=True)
    told = {counter: _times(ignored) for counter, ignored in audit.ignored.items()}
    for line in dict.fromkeys(told.values()):
        counters = " and ".join(counter for counter in COUNTERS if told[counter] == line)
        screen.print(f"not counted by {counters}: {line}", soft_wrap=True)


def _as_run(difference: float) -> str:
    """Say what the column of what runs is, and by how much it differs."""
    rounded = f"{difference:+.2%}" if difference else "no difference"
    return (
        f"as run: what evaluation in PyTorch runs, by our counter: {rounded} from the plain graph, the network as its "
        "paper writes it, which the other columns count; docs/families/index.md says what differs"
    )


def _times(operators: dict[str, int]) -> str:
    return ", ".join(f"{operator} ({times})" for operator, times in operators.items()) or "nothing"


def _parts(result: Profile) -> Table:
    rows = []
    for part in result.parts:
        times = ("", "") if part.ms is None else (f"{part.ms:.2f}", f"{part.ms / result.parts_ms:.1%}")
        rows.append((part.name, format_count(part.params), format_count(part.macs), *times))
    headings = ("part", "params", "FLOPs", f"ms (PyTorch, {result.parts_on})", "share of ms")
    return table(headings, rows, numbers=True)


def _sections(result: Profile) -> Table:
    rows = []
    for each in result.sections:
        counts = [format_count(each.params), format_count(each.macs), f"{each.macs / result.costs.macs:.1%}"]
        rows.append((each.name, *counts, format_count(each.activations), f"{each.ms:.2f}"))
    headings = ("section", "params", "FLOPs", "share of FLOPs", "activations", f"ms (PyTorch, {result.parts_on})")
    return table(headings, rows, numbers=True)


def _timed_words(task: DenseTask) -> str:
    """Say what was timed of a dense task's network."""
    whole = "timed: the whole network, backbone, neck and head"
    if task.kind != DETECTION:
        return whole
    return f"{whole}, with weights that are not trained; how much it detects, which takes time too, depends on them"


def _latency(latency: Latency | CudaLatency, prediction: LatencyPrediction | None) -> str:
    caveats = f"; {said}" if (said := _caveats(latency)) else ""
    if isinstance(latency, CudaLatency):
        rate = f"{latency.images_per_second:,.0f} images/s, {latency.peak_mb:.0f} MB at most"
        spread = f"{_interval(latency)}; {plural(latency.runs, 'run')})"
        return f"{latency.device}, {latency.dtype}, batch {latency.batch}: {spread}; {rate}{caveats}"
    seen, runs = f"{latency.measured_ms:.1f} ms by the watch", plural(latency.runs, "run")
    settings = f"{plural(latency.threads, 'thread')}, batch {latency.batch}, {latency.dtype}"
    spread = f"{_interval(latency)}; {seen}, {runs} that tell it to {latency.runs_error:.1%})"
    told = f"{latency.backend}, {settings}: {spread}{caveats}"
    if prediction is None:
        return told
    return f"{told}; predicted {prediction.at_speed(latency.usual_ms)}"


def _interval(latency: Latency | CudaLatency) -> str:
    low, high = latency.low_ms, latency.high_ms
    return f"{latency.median_ms:.1f} ms (95 % interval of the median {low:.1f} to {high:.1f}"
