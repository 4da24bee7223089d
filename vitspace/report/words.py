"""What a report says in sentences."""

import shlex
from collections.abc import Mapping
from typing import Any

from vitspace.image_sizes import format_image_size
from vitspace.measured import INT8
from vitspace.plots.names import readable_name
from vitspace.precision import USUAL_PRECISION, format_precision, parse_precision
from vitspace.report.absent import better_words, no_anchor_words
from vitspace.report.check import far_behind_words, unlearned_words
from vitspace.report.finalists import chosen_designs, ends_words
from vitspace.report.gaps import order_unresolved
from vitspace.report.names import backend_words, latency_name, sizes_words, trial_name
from vitspace.report.noise import front_spread, noise_limit
from vitspace.report.points import LABEL, estimate_note, estimate_sentence
from vitspace.report.proxy import measured_after, own_name, proxy_label, proxy_note, rests_on, trains
from vitspace.report.standing import verdict
from vitspace.report.tasks import task_sentence
from vitspace.searching.finalists import seats_words
from vitspace.searching.latency import rejected_by_prediction
from vitspace.spec import NATIVE_SIZE
from vitspace.study.record import StudyRecord
from vitspace.study.storage import storage_option
from vitspace.study.trial import Trial
from vitspace.units import format_score, format_seconds
from vitspace.words import plural

#: Designs that are named in a sentence; more are counted.
_NAMED = 4


def headline(record: StudyRecord) -> str:
    """The first line of every report: how many designs, the front, and what of it is not to be believed."""
    done, rejected = len(record.completed), len(record.trials) - len(record.completed)
    if not done:
        return f"{record.name}: no design was evaluated; {plural(rejected, 'trial')} without a score."
    front = f"{len(record.front)} on the front of {score_word(record)}, FLOPs and latency"
    words = f"{record.name}: {plural(done, 'design')} evaluated{_within(record)} ({_origin(record)}), {front}."
    stands = (verdict(record), better_words(record), _outside(record), ends_words(record))
    found = [no_anchor_words(record), *(stands if record.in_points else [_resolution(record)])]
    learnt = unlearned_words(record), far_behind_words(record)
    timed = _undecided(record), _unsure(record), _imprecise(record), _in_int8(record)
    said = (words, seats_words(record.screening), _size(record), *found, *learnt, *timed)
    return " ".join(text for text in said if text)


def score_word(record: StudyRecord) -> str:
    """What a score is called in a sentence."""
    return "estimated top-1" if record.in_points else "score"


def _origin(record: StudyRecord) -> str:
    """``12 chosen from 100,000 screened, 8 proposed by the sampler, published: MSG-T``."""
    published = ", ".join(readable_name(trial.anchor) for trial in record.anchors if trial.anchor)
    screened, chosen = record.screening.get("designs"), len(chosen_designs(record))
    proposed = len(record.completed) - len(record.anchors) - (chosen if screened else 0)
    how = [f"{chosen} chosen from {screened:,} screened"] if screened else [f"{proposed} drawn"]
    how += [f"{proposed} proposed by the sampler"] if screened and proposed else []
    return ", ".join([*how, f"published: {published}" if published else "none published"])


def _size(record: StudyRecord) -> str:
    """Say the size of image, where it is not the one that papers publish at, and the task."""
    if record.task:
        return task_sentence(record)
    if len(record.sizes) > 1:
        return _several_sizes(record)
    if record.img_size == NATIVE_SIZE:
        return ""
    words = f"All of it is for images of {format_image_size(record.img_size)} px."
    if record.anchors:
        words += " Published designs follow that size, of which no accuracy is published"
        words += ", and stand at their estimates." if record.in_points else "."
    return words


def _several_sizes(record: StudyRecord) -> str:
    """Say of how many designs of each size of image the front is."""
    searched = [trial for trial in record.front if not trial.anchor]
    counts = {size: sum(trial.img_size == size for trial in searched) for size in record.sizes}
    said = ", ".join(f"{count} at {format_image_size(size)} px" for size, count in counts.items())
    words = f"Searched at {sizes_words(record)}; designs on the front: {said}."
    return f"{words} Published designs stand at the size that they are published for." if record.anchors else words


def _outside(record: StudyRecord) -> str:
    """Name the designs whose estimates rest on little."""
    found = [str(t.number) for t in record.completed if t.published_top1 is None and t.estimate.get("outside")]
    if not found:
        return ""
    said = f"{plural(len(found), 'design')}, {', '.join(found)}," if len(found) <= _NAMED else f"{len(found)} designs"
    return f"{said} lie{'s' if len(found) == 1 else ''} outside of what is known, where intervals are wider."


def _within(record: StudyRecord) -> str:
    limits = {"FLOPs": record.config.budget, "params": record.config.params}
    latency = (record.config.latency or "").rpartition(":")[2]
    limits |= {latency_name(record).removeprefix("CPU "): latency}
    words = [f"{text} {name}" for name, text in limits.items() if text]
    return f" within {', '.join(words)}" if words else ""


def _resolution(record: StudyRecord) -> str:
    spread, limit = front_spread(record), noise_limit(record)
    if spread is None or limit is None:
        return ""
    if order_unresolved(record):
        return (
            f"The front's scores span {format_score(spread, 3)}, inside the noise between seeds "
            f"({format_score(limit, 3)}): order by score not resolved."
        )
    noisy = f"; differences below about {format_score(limit, 2)} may be noise between seeds" if limit else ""
    return f"The front's scores span {format_score(spread, 3)}{noisy}."


def _undecided(record: StudyRecord) -> str:
    """Name the scored designs whose latency's interval holds the limit, the best first."""
    found = [trial for trial in record.counted if not trial.complete]
    if not found:
        return ""
    found.sort(key=lambda trial: -(trial.score or 0.0))
    named = [trial_name(trial) if trial.anchor else f"design {trial.number}" for trial in found]
    told = f"{', '.join(named[:_NAMED])}{', ...' if len(named) > _NAMED else ''}"
    are = "is undecided, and on no front, as its latency's interval holds"
    if len(found) > 1:
        are = "are undecided, and on no front, as their latencies' intervals hold"
    return f"{plural(len(found), 'design')} {are} the budget's limit: {told}."


def _unsure(record: StudyRecord) -> str:
    """Count the latencies in doubt."""
    doubted = [trial for trial in record.completed if trial.latency_doubt]
    if not doubted:
        return ""
    front = sum(bool(trial.latency_doubt) for trial in record.front)
    were, are = ("was", "is") if len(doubted) == 1 else ("were", "are")
    if device := record.config.limits.device:
        return (
            f"{len(doubted)} of {len(record.completed)} latencies, {front} of the front's, may be over the budget on "
            f"{device}, by the interval of their prediction."
        )
    return (
        f"{len(doubted)} of {len(record.completed)} latencies, {front} of the front's, {were} taken on a busy machine "
        f"and {are} unsure."
    )


def _imprecise(record: StudyRecord) -> str:
    """Count the latencies that runs tell less well than was asked for; the usual precision is not asked."""
    asked = parse_precision(record.config.latency_precision)
    missed = [trial for trial in record.completed if trial.latency_shortfall]
    if asked == USUAL_PRECISION or not missed:
        return ""
    worst = max(missed, key=lambda trial: trial.latency.get("runs_error", 0.0))
    return (
        f"{len(missed)} of {len(record.completed)} latencies miss the precision of {format_precision(asked)} that was "
        f"asked for; of trial {worst.number} {worst.latency_shortfall}."
    )


def _in_int8(record: StudyRecord) -> str:
    """Say that milliseconds and scores are not of the same numbers, where networks are timed in int8."""
    timed_so = record.config.latency_backend.endswith(INT8) and not record.config.limits.device
    return "Latencies are of networks in int8, and scores do not include what rounding loses." if timed_so else ""


def latency_note(record: StudyRecord) -> str:
    """What stands in brackets behind a latency, and what runs the networks; of another device, what predicts it."""
    if record.config.limits.device:
        return f"{device_words(record)} In brackets: its 95 % interval; unsure where that holds the limit."
    timed = any(trial.latency.get("low_ms") for trial in record.front)
    interval_words = "its 95 % interval" if timed else "10th to 90th percentile"
    return f"Latency{backend_words(record)}: median ({interval_words}; unsure where said)."


def device_words(record: StudyRecord) -> str:
    """What the device is that latency is predicted for, and how well."""
    known = record.told("device")
    said = f"Latency is predicted for {record.config.limits.device}"
    if not known.get("held_out"):
        return f"{said}."
    within = f"95 % of {known['designs']} held-out designs within {known['held_out']['within_95']:.0%}"
    runs = f"onnxruntime {known['onnxruntime']}, one thread"
    return f"{said} ({known['device']}, {known['cpu']}, {runs}), from designs timed there: {within}."


def proxy_sentence(record: StudyRecord) -> str:
    """What a score says, and what it does not."""
    if record.in_points:
        return estimate_sentence(record)
    if not trains(record):
        return (
            f"Scores are the numbers of the training-free proxy {own_name(record)}, and are no accuracy: they order "
            f"designs of equal FLOPs and params at best, and a search that maximises them stacks layers or params"
            f"{_card(record.told('proxy'))}."
        )
    says = (
        "which no seed of the search changes; with others designs may stand in another order"
        if rests_on(record)
        else "so it measures how fast a network starts to learn on small images of a small data set"
    )
    return f"Scores are a proxy's numbers, not ImageNet accuracies: each is the {measured_after(record)}, {says}."


def score_label(record: StudyRecord) -> str:
    """What an axis of scores is called."""
    return LABEL if record.in_points else proxy_label(record)


def score_note(record: StudyRecord) -> str:
    """`proxy_sentence` in the size of a caption."""
    return estimate_note() if record.in_points else proxy_note(record)


def machine_note(record: StudyRecord) -> str:
    """Host, processor and date, as far as they are known."""
    date = _timed_on(record).get("date")
    return ", ".join(part for part in (machine_name(record), date) if part)


def machine_name(record: StudyRecord) -> str:
    """Host and processor, as far as they are known."""
    machine = _timed_on(record)
    return ", ".join(str(machine[key]) for key in ("host", "cpu") if machine.get(key))


def steps_words(record: StudyRecord) -> str:
    """``screening 4.1 s, timing 25.4 s, training 3 min 52 s, public networks 31.0 s``; of steps that were taken."""
    proxy = "training" if trains(record) else own_name(record)
    names = {"screening": "screening", "timing": "timing", "proxy": proxy, "peers": "public networks"}
    said = ", ".join(f"{names[step]} {format_seconds(took)}" for step, took in record.seconds_by_step.items())
    workers = record.resolved.get("workers") or 1
    return f"{said} (trials added up, {workers} at once)" if said and workers > 1 else said


def _timed_on(record: StudyRecord) -> Mapping[str, Any]:
    """Return the machine that latencies are of: where all were timed again, or else where the study began."""
    again = [trial.latency.get("machine") for trial in record.trials if trial.latency_ms is not None]
    known = [machine for machine in again if machine]
    alike = len({(machine.get("host"), machine.get("cpu")) for machine in known}) == 1
    return known[-1] if alike and len(known) == len(again) else record.told("machine")


def next_commands(record: StudyRecord) -> list[tuple[str, str]]:
    """What to do next: (purpose, command)."""
    name, where = shlex.quote(record.name), storage_option(record.storage)
    return [
        ("redraw this report from storage", f"vitspace report {name}{where}"),
        ("look at every trial", f"vitspace dashboard {name}{where}"),
        *_more_designs(record),
        *_sure_latencies(record),
        *(design_commands(record, record.front[-1])[:2] if record.front else []),
    ]


def _more_designs(record: StudyRecord) -> list[tuple[str, str]]:
    """How to evaluate more designs: those that are left, or as many again; none where the space is used up."""
    left = record.config.trials - len(record.counted)
    if record.used_up:
        return []
    total = f" --trials {max(2 * record.config.trials, 1)}" if left <= 0 else ""
    command = f"vitspace search --study {shlex.quote(record.name)} --resume{total}{storage_option(record.storage)}"
    return [(f"evaluate the {plural(left, 'design')} left" if left > 0 else "evaluate more designs", command)]


def _sure_latencies(record: StudyRecord) -> list[tuple[str, str]]:
    """What makes unsure latencies sure; nothing where all are, or another device's are predicted."""
    if record.config.limits.device or not any(trial.latency_doubt for trial in record.trials):
        return []
    command = f"vitspace studies retime {shlex.quote(record.name)}{storage_option(record.storage)}"
    return [("make the unsure latencies sure, once this machine is quiet", command)]


def design_commands(record: StudyRecord, trial: Trial) -> list[tuple[str, str]]:
    """What to do next with one design of a study: (purpose, command)."""
    design, where = f"{shlex.quote(record.name)} --trial {trial.number}", storage_option(record.storage)
    size = record.size_of(trial)
    sized = "" if size == NATIVE_SIZE else f" --img-size {format_image_size(size)}"
    train = sized if isinstance(size, int) else ""  # trainings are on squares
    if record.task:  # whose milliseconds are of whole networks, at its size
        sized = f" --task {record.task['name']} --img-size {format_image_size(record.counted_size)}"
    if not trial.complete:
        again = [("time it again", f"vitspace studies retime {shlex.quote(record.name)} --trial {trial.number}{where}")]
        return again if trial.latency_ms is not None or rejected_by_prediction(trial, record.config.limits) else []
    like = record.far_behind.get(trial.number)
    but = f", though it learns far less than {trial_name(like)} in the short training" if like else ""
    return [
        ("take this design away", f"vitspace export {design}{where}"),
        (f"train it in full{but}", f"vitspace train {design} --data imagefolder:DIR{train}{where}"),
        (
            "see where its milliseconds go",
            f"vitspace profile exports/{record.name}-trial-{trial.number}/spec.json{sized}",
        ),
    ]


def select_command(record: StudyRecord, trial: Trial) -> str:
    """The command that prints one design of a study."""
    return f"vitspace report {shlex.quote(record.name)} --select {trial.number}{storage_option(record.storage)}"


def _card(proxy: dict[str, Any]) -> str:
    """``; its report card: ...``, where it is known."""
    card = proxy.get("report_card")
    if not card or card.get("kendall_tau") is None:
        return ""
    params = card["kendall_tau"] - card["tau_over_params"]
    return (
        f"; its report card on published designs: Kendall tau {card['kendall_tau']:.2f} with ImageNet top-1 over the "
        f"anchors (params alone {params:.2f}), {card['pair_accuracy']:.0%} of {card['pairs']} ablation pairs in the "
        f"right order, {card['hard_right']:g} of the {card['hard_pairs']} that params order wrongly or tie (chance: "
        f"{card['hard_pairs'] / 2:g})"
    )
