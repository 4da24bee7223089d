"""The few designs of a front that are worth a closer look."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitspace.errors import InputError, shown
from vitspace.image_sizes import format_image_size
from vitspace.report.check import learning_words
from vitspace.report.dominance import dominated_by
from vitspace.report.gaps import gap
from vitspace.report.names import latency_name, trial_name
from vitspace.report.points import score_text
from vitspace.report.proxy import rests_on
from vitspace.report.settings import settings
from vitspace.report.tasks import carried_words
from vitspace.report.words import score_word
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

#: What may be asked for by name.
RULES = ("knee", "cheapest", "fastest", "best")
#: Among which designs the cheapest and the fastest are chosen, by what the titles say of it.
_WHICH = {
    "of a tie": "designs that tie with the best",
    "within noise": "designs that noise does not tell from the best score",
    "": "designs of the best score",
}


@dataclass(frozen=True)
class Choice:
    """A design and the rules by which it was chosen."""

    trial: Trial
    rules: tuple[str, ...]
    near: str = ""

    @property
    def title(self) -> str:
        """``Knee, cheapest within noise``, in points ``of a tie``; neither where no seed decides a score."""
        words = [f"{rule} {self.near}".strip() if rule in ("cheapest", "fastest") else rule for rule in self.rules]
        return ", ".join(words).capitalize()


def _near(record: StudyRecord) -> str:
    """What designs are that are not told from the best."""
    if record.in_points:
        return "of a tie"
    return "" if rests_on(record) else "within noise"


def rule_words(record: StudyRecord, rule: str) -> str:
    """Say what a rule chooses."""
    return {
        "knee": f"where more cost begins to buy less {score_word(record)}",
        "cheapest": f"the fewest FLOPs among the {_WHICH[_near(record)]}",
        "fastest": "the lowest latency among the same",
        "best": f"the best {score_word(record)}",
    }[rule]


def chosen_few(record: StudyRecord) -> list[Choice]:
    """Return the designs that the rules choose, each once, in the order of `RULES`; none where no trial is complete."""
    rules: dict[int, list[str]] = {}
    for rule in RULES if record.front else ():
        rules.setdefault(select(record, rule).number, []).append(rule)
    trials = {trial.number: trial for trial in record.front}
    return [Choice(trials[number], tuple(names), _near(record)) for number, names in rules.items()]


def select(record: StudyRecord, which: str | int) -> Trial:
    """Return the design of a rule, or the trial of a number, rejected ones too.

    Raises:
        InputError: there is no such rule or trial, it has no design, or a rule is given and no trial is complete.
    """
    if str(which) in RULES:
        if not record.completed:
            raise InputError(f"a design is selected from completed trials, but {record.name} has none")
        return _by_rule(record, str(which))
    found = [trial for trial in record.trials if str(trial.number) == str(which)]
    if not found:
        numbers = ", ".join(str(trial.number) for trial in record.front)
        known = f"{', '.join(RULES)}, or the number of a trial (on the front: {numbers})"
        raise InputError(f"a design is {known}, but got {shown(str(which))}")
    if found[0].spec is None:
        raise InputError(f"trial {which} of {record.name} has no design: {found[0].state}: {found[0].why}")
    return found[0]


def design_lines(record: StudyRecord, which: str, trial: Trial) -> list[str]:
    """Say what a selected design is, line by line; of a rejected one, why."""
    assert trial.spec is not None
    if not trial.complete:
        return _rejected_lines(record, trial)
    assert trial.params is not None
    _, macs, ms = trial.point
    rule = f", the {which} of {record.name}: {rule_words(record, which)}" if which in RULES else f" of {record.name}"
    lines = [
        f"trial {trial.number}, {trial_name(trial)}{rule}",
        f"  {score_text(record, trial)}, {dominated_by(record, trial.number)}",
    ]
    unsure = f" (unsure: {trial.latency_doubt})" if trial.latency_doubt else ""
    size = f", at {format_image_size(trial.img_size)} px" if trial.img_size else ""
    lines.append(
        f"  FLOPs {macs / 1e9:.2f}G, params {trial.params / 1e6:.1f}M, {latency_name(record)} {ms:.1f}ms{unsure}{size}"
    )
    said = (learning_words(record, trial), carried_words(record, trial))
    return lines + [f"  {words}" for words in said if words] + _setting_lines(trial)


def _rejected_lines(record: StudyRecord, trial: Trial) -> list[str]:
    words = trial.state.replace("_", " ")
    known = [] if trial.score is None else [score_text(record, trial)]
    known += [] if trial.macs is None else [f"FLOPs {trial.macs / 1e9:.2f}G"]
    known += [] if trial.params is None else [f"params {trial.params / 1e6:.1f}M"]
    known += [_latency_words(record, trial)] if trial.latency_ms is not None else []
    head = f"trial {trial.number}, {trial_name(trial)} of {record.name}, is {words}: {trial.why}"
    return [head, *([f"  {', '.join(known)}"] if known else []), *_setting_lines(trial)]


def _latency_words(record: StudyRecord, trial: Trial) -> str:
    low, high = (trial.latency.get(name) for name in ("low_ms", "high_ms"))
    between = f", between {low:.1f} and {high:.1f}ms" if low and high else ""
    doubt = f" (unsure: {trial.latency_doubt})" if trial.latency_doubt else ""
    return f"{latency_name(record)} {trial.latency_ms:.1f}ms{between}{doubt}"


def _setting_lines(trial: Trial) -> list[str]:
    assert trial.spec is not None
    return [f"  {name.replace('_', ' ')}: {value}" for name, value in settings(trial.spec).items()]


def _by_rule(record: StudyRecord, rule: str) -> Trial:
    if rule == "knee":
        return record.front[int(np.argmax(_bulge(record.front)))]
    best = min(record.front, key=lambda trial: trial.point)
    near = [t for t in record.front if t.point[0] == best.point[0] or gap(record, best, t).tie]
    costs = {"cheapest": 1, "fastest": 2}
    return best if rule == "best" else min(near, key=lambda trial: trial.point[costs[rule]])


def _bulge(front: list[Trial]) -> NDArray[np.float64]:
    """How far each design of a front [N] lies above the straight trade of score for cost.

    Kneedle (Satopää et al., "Finding a 'Kneedle' in a Haystack", 2011), the cost being the mean of logarithmic FLOPs
    and latency; each quantity is scaled to 0..1 over the front.
    """
    points = np.array([trial.point for trial in front])  # [N, 3]
    loss, macs, ms = (_scaled(column) for column in (points[:, 0], *np.log(points[:, 1:]).T))
    return (1 - loss) - (macs + ms) / 2


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    span = np.ptp(values)
    return (values - values.min()) / span if span else np.zeros(len(values))
