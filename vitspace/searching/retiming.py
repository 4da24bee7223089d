"""Times designs of a study again, and updates their trials by the results."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optuna.trial import FrozenTrial

from vitspace.doubt import facts_of
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.latency import Latency, measure_again
from vitspace.machine.host import cpu, machine
from vitspace.searching.latency import rejected_by_prediction, rejected_unsure, timing_of, verdict
from vitspace.searching.queue import OUTSIDE, design_params
from vitspace.searching.session import Session
from vitspace.space import load_sizes
from vitspace.space.variables import Params
from vitspace.study.config import StudyConfig
from vitspace.study.storage import DEFAULT_STORAGE
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial
from vitspace.tracking import Track, untracked
from vitspace.words import plural

#: How often a design is timed in all before a search leaves it undecided.
MOST_TIMES = 3
#: What a latency keeps of the machine that it was measured on again.
_MACHINE = ("host", "cpu", "flags", "date")


@dataclass(frozen=True)
class Retimed:
    """A trial before and after its design was timed again."""

    before: Trial
    after: Trial

    def to_json(self) -> dict[str, Any]:
        """Return what `vitspace studies retime --json` prints of a trial."""
        names = ("median_ms", "low_ms", "high_ms")
        new = {name: self.after.latency[name] for name in names}
        facts = {"number": self.after.number, "anchor": self.after.anchor, "before_ms": self.before.latency_ms, **new}
        return facts | {"before": self.before.state, "state": self.after.state, "why": self.after.why}


def retime_study(
    study: str,
    storage: str = DEFAULT_STORAGE,
    numbers: Sequence[int] = (),
    everything: bool = False,
    track: Track = untracked,
) -> list[Retimed]:
    """Time a stored study's designs again, those of unsure latency or all, and store what comes of it.

    All may be timed on another machine, which the latencies are of then; public networks beside them that were timed
    before are forgotten, as they do not compare.

    Args:
        study: Its name.
        storage: A journal file, a database URL, or ``grpc://HOST:PORT``.
        numbers: The trials whose designs are timed, also for the first time where a prediction rejected them; empty is
            those of unsure latency.
        everything: Whether all designs that were timed are timed again.
        track: Shows how many are timed.

    Raises:
        InputError: there is no such study or timed trial, or its other latencies are of another machine.
    """
    store = StudyStore.open(storage, study)
    config = store.config
    if config.limits.device:
        raise InputError(f"latencies of {study} are predicted for {config.limits.device}, and are not timed here")
    trials = [trial for trial in store.trials() if trial.spec and _may_be_timed(trial, config, numbers)]
    if unknown := set(numbers) - {trial.number for trial in trials}:
        rule = "a design that is timed again was timed before, or rejected by its prediction"
        raise InputError(f"{rule}, but trial {min(unknown)} of {study} was not")
    chosen = [
        trial for trial in trials if everything or (trial.number in numbers if numbers else _is_unsure(trial, config))
    ]
    others = other_machines(trials)
    if others and chosen and not everything:
        raise InputError(
            f"a study's latencies are of one machine, but those of {study} are of {', '.join(others)} and this is "
            f"{cpu()['cpu']}; --all times all of them here"
        )
    if others and chosen:
        store.set(peers=[])
    size = load_sizes(config.space, config.sizes[:1], config.task).resolution
    return [retime(store, config, size, trial) for trial in track(chosen, "timing again")]


def settle(session: Session) -> bool:
    """Time the undecided designs of a study that ends again; return whether it has places left for others since then.

    A design is timed until it is decided, or was timed `MOST_TIMES` times.
    """
    store, config, note = session.store, session.config, session.monitor.note
    size, rejected = session.space.resolution, 0
    for trial in (trial for trial in store.trials() if is_open(trial)):
        note(f"timing trial {trial.number} again: {trial.why}")
        while is_open(trial):
            trial = retime(store, config, size, trial).after
        note(f"trial {trial.number}: {trial.state}{f': {trial.why}' if trial.why else ''}")
        rejected += trial.state == "over_budget"
    return bool(rejected) and config.timeout is None and not store.used_up


def take_up(store: StudyStore, config: StudyConfig, note: Callable[[str], None]) -> None:
    """Queue the designs that an unsure latency rejected again, as far as the study has places for them."""
    trials, frozen = store.trials(), {trial.number: trial for trial in store.frozen()}
    waits = [trial for trial in trials if rejected_unsure(trial, config.limits)]
    known = {trial.spec for trial in trials if trial.latency_ms is not None and trial not in waits}
    queued = [_design(trial) for trial in frozen.values() if not trial.state.is_finished()]
    again = [_design(frozen[trial.number]) for trial in waits if trial.spec not in known]
    again = [design for i, design in enumerate(again) if design not in (*queued, *again[:i])]
    places = config.trials - sum(trial.counts for trial in trials) - len(queued)
    for params, facts in again[: max(0, places)]:
        store.study.enqueue_trial(params, user_attrs=facts)
    if (left := len(again) - max(0, places)) > 0:
        were = f"{plural(left, 'design')} {'was' if left == 1 else 'were'}"
        note(f"{were} rejected on an unsure latency; --trials {config.trials + left} re-evaluates them")


def _design(trial: FrozenTrial) -> tuple[Params, dict[str, Any]]:
    """Return what a design is queued by: its params, and which published design it is."""
    facts = {name: trial.user_attrs[name] for name in ("anchor", OUTSIDE) if name in trial.user_attrs}
    return design_params(trial), facts


def retime(store: StudyStore, config: StudyConfig, img_size: ImageSize, trial: Trial) -> Retimed:
    """Time a trial's design again, at its size of image or else at ``img_size``, and store what comes of it."""
    assert trial.spec is not None
    settings = timing_of(config, trial.img_size or img_size)
    after = judged(trial, measure_again(trial.spec, settings), config)
    store.retime(after)
    return Retimed(trial, after)


def judged(trial: Trial, latency: Latency, config: StudyConfig) -> Trial:
    """Return a trial as its design's new latency makes it.

    One without a score that is not beyond the budget any more is undecided until it is scored; one that failed or was
    pruned stays so.
    """
    here = machine()
    found = facts_of(latency) | {"machine": {name: here[name] for name in _MACHINE}}
    after = replace(trial, latency_ms=latency.median_ms, latency=found)
    if trial.state not in ("complete", "undecided", "over_budget"):
        return after
    state, why = verdict(found, config.limits)
    if trial.score is None and state != "over_budget":
        state, why = "undecided", "it fits since it was timed again, and has no score yet: --resume takes it up"
    return replace(after, state=state, why=why)


def _may_be_timed(trial: Trial, config: StudyConfig, numbers: Sequence[int]) -> bool:
    """Whether a design was timed, or is asked for by its number and was rejected by its predicted latency."""
    return trial.latency_ms is not None or (trial.number in numbers and rejected_by_prediction(trial, config.limits))


def _is_unsure(trial: Trial, config: StudyConfig) -> bool:
    """Whether a latency is known badly, or was all that a design without a score was rejected by."""
    return trial.state == "undecided" or bool(trial.latency_doubt) or rejected_unsure(trial, config.limits)


def is_open(trial: Trial) -> bool:
    """Whether a scored design is undecided, and timing it again on this machine may decide it."""
    timed = trial.latency.get("times", 1)
    here = "device" not in trial.latency and is_of_here(trial)
    return trial.counts and not trial.complete and timed < MOST_TIMES and here


def is_of_here(trial: Trial) -> bool:
    """Whether a design was timed on a machine like this one."""
    return all(trial.timed_on.get(name, here) == here for name, here in cpu().items() if name != "cores")


def other_machines(trials: Iterable[Trial]) -> list[str]:
    """Return the processors of other machines on which some designs were timed."""
    return sorted({str(trial.timed_on.get("cpu")) for trial in trials if not is_of_here(trial)})
