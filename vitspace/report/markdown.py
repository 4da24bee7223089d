"""report.md: the report as text."""

from collections.abc import Iterator

import pandas as pd

from vitspace.plots.formats import escaped, fenced, markdown, readable
from vitspace.report.check import check_words
from vitspace.report.figures import figures
from vitspace.report.names import costed_words
from vitspace.report.peers import peers_table, peers_words
from vitspace.report.tables import anchors_shown, calibration, front_shown, rejected
from vitspace.report.words import headline, latency_note, next_commands, proxy_sentence, steps_words
from vitspace.study.record import StudyRecord
from vitspace.units import format_seconds

_BUILD = """```python
import json, vitspace
specs = json.load(open("study.json"))["specs"]
network = vitspace.build(vitspace.Spec.from_dict(specs["{spec_id}"]){size})
```"""


def report_text(record: StudyRecord) -> str:
    """Return the whole report; figures are linked by name."""
    sections = [
        f"**{escaped(headline(record))}**",
        *_opening(record),
        *_results(record),
        *_setting(record),
        *_onward(record),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _opening(record: StudyRecord) -> Iterator[str]:
    yield escaped(proxy_sentence(record))
    if command := record.resolved.get("command"):
        steps = f" By step: {escaped(steps_words(record))}." if record.seconds_by_step else ""
        took = f"\n\nSearched for {format_seconds(record.seconds)}.{steps}" if record.seconds else ""
        yield fenced(command) + took
    for name, figure in figures(record).items():
        yield f"![{escaped(figure.alt)}]({name}.png)"


def _results(record: StudyRecord) -> Iterator[str]:
    yield from _section("The front", front_in_words(record), "No trial was completed, so there is no front.")
    if record.front:
        yield _front_note(record)
    yield from _section("Published designs", readable(anchors_shown(record)))
    if record.peers:
        yield from _section("Public networks", readable(peers_table(record)))
        yield escaped(peers_words(record))
    if record.in_points:
        yield f"## The proxy beside the estimates\n\n{escaped(check_words(record))}"
    worth = "What an estimate is worth" if record.in_points else "What a score is worth"
    yield from _section(worth, readable(calibration(record)))
    yield from _section("Trials that are not complete", readable(rejected(record)), "No trial was rejected.")


def front_in_words(record: StudyRecord) -> pd.DataFrame:
    """The front as text: the gaps to the anchors in words."""
    gaps = ["nearest_anchor", "flops_gap", "latency_gap", "score_gap", "top1_gap", "stands"]
    return readable(front_shown(record).drop(columns=gaps, errors="ignore"))


def _front_note(record: StudyRecord) -> str:
    notes = [f"FLOPs: {escaped(record.resolved['convention'])}." if record.resolved.get("convention") else ""]
    notes.append(
        f"FLOPs and latency {costed_words(record)}{', each design at its own' if len(record.sizes) > 1 else ''}."
        if record.resolved.get("space")
        else ""
    )
    notes.append(escaped(latency_note(record)))
    notes.append("Top-1: estimate \N{PLUS-MINUS SIGN} standard deviation." if record.in_points else "")
    notes.append("Lists go stage by stage.")
    notes.append("Numbers at full precision: front.csv; every trial: trials.csv.")
    return " ".join(note for note in notes if note)


def _setting(record: StudyRecord) -> Iterator[str]:
    config = {name: value for name, value in record.config.model_dump().items() if value is not None}
    for title, values in (
        ("The study", config),
        ("The proxy", record.told("proxy")),
        ("The machine", record.told("machine")),
    ):
        frame = pd.DataFrame([(f"`{key}`", value) for key, value in values.items()], columns=["setting", "value"])
        yield from _section(title, frame.astype(str))


def _onward(record: StudyRecord) -> Iterator[str]:
    yield "## How to go on"
    yield fenced("\n".join(f"{command}  # {purpose}" for purpose, command in next_commands(record)))
    designs = [(trial.spec.id, trial.img_size) for trial in record.front if trial.spec]
    if designs:
        spec_id, size = designs[-1]
        yield "A design of the front as a PyTorch module, from the folder of this report:"
        yield _BUILD.format(spec_id=spec_id, size=f", img_size={size}" if size else "")


def _section(title: str, frame: pd.DataFrame, otherwise: str = "") -> Iterator[str]:
    """A heading and a table, or a sentence in its place, or nothing."""
    if len(frame) or otherwise:
        yield f"## {title}"
        yield markdown(frame) if len(frame) else otherwise
