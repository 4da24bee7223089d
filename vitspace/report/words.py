"""Words: what a report says in sentences."""

import shlex
from typing import Any

from vitspace.plots.names import readable_name
from vitspace.proxies import trains as trains_by_name
from vitspace.report.names import trial_name
from vitspace.report.noise import finite, front_spread, noise_limit, order_unresolved
from vitspace.study.record import StudyRecord
from vitspace.study.storage import storage_option
from vitspace.study.trial import Trial


def headline(record: StudyRecord) -> str:
    """The first line of every report: how many designs, the front, and what of it is not to be believed."""
    done, rejected = len(record.completed), len(record.trials) - len(record.completed)
    if not done:
        return f"{record.name}: no design was evaluated; {_count(rejected, 'trial')} without a score."
    published = ", ".join(readable_name(trial.anchor) for trial in record.anchors if trial.anchor)
    made = f"{done - len(record.anchors)} drawn, {f'published: {published}' if published else 'none published'}"
    front = f"{len(record.front)} on the front of score, FLOPs and latency"
    words = f"{record.name}: {_count(done, 'design')} evaluated{_within(record)} ({made}), {front}."
    return words + _resolution(record) + _unlearned(record) + _unsure(record)


def _within(record: StudyRecord) -> str:
    limits = {"FLOPs": record.config.budget, "params": record.config.params, "latency": record.config.latency}
    words = [f"{text} {name}" for name, text in limits.items() if text]
    return f" within {', '.join(words)}" if words else ""


def _resolution(record: StudyRecord) -> str:
    spread, limit = front_spread(record), noise_limit(record)
    if spread is None or limit is None:
        return ""
    if order_unresolved(record):
        return (
            f" The front's scores span {spread:.3f}, inside the noise between seeds ({limit:.3f}): "
            "order by score not resolved."
        )
    noisy = f"; differences below about {limit:.2f} may be noise between seeds" if limit else ""
    return f" The front's scores span {spread:.3f}{noisy}."


def _unlearned(record: StudyRecord) -> str:
    """Warn of designs that do no better than a guess, whose order says nothing of what they will learn."""
    chance = finite(record.reference.get("chance_loss")) if trains(record) else None
    worse = [trial for trial in record.completed if chance is not None and -trial.point[0] <= -chance]
    if not worse or chance is None:
        return ""
    return (
        f" {len(worse)} of the {len(record.completed)} scores are no better than chance "
        f"({-chance:.3f}): train longer, as --proxy train:small does, before their order is believed."
    )


def _unsure(record: StudyRecord) -> str:
    """Count the latencies in doubt."""
    doubted = [trial for trial in record.completed if trial.latency_doubt]
    if not doubted:
        return ""
    front = sum(bool(trial.latency_doubt) for trial in record.front)
    were, are = ("was", "is") if len(doubted) == 1 else ("were", "are")
    return (
        f" {len(doubted)} of {len(record.completed)} latencies, {front} of the front's, {were} taken on a busy machine "
        f"and {are} unsure."
    )


def proxy_sentence(record: StudyRecord) -> str:
    """What the proxy's score says, and what it does not."""
    proxy = _proxy(record)
    if not trains(record):
        name = proxy.get("name", record.config.proxy)
        return (
            f"Scores are the numbers of the training-free proxy {name}, and are no accuracy: they order designs of "
            f"equal FLOPs and params at best, and a search that maximises them stacks layers or params{_card(proxy)}."
        )
    return (
        f"Scores are a proxy's numbers, not ImageNet accuracies: each is the {_measured(proxy)} after "
        f"{_training(proxy)}, so it measures how fast a network starts to learn on small images of a small data set."
    )


def score_label(record: StudyRecord) -> str:
    """What an axis of scores is called."""
    name = _proxy(record).get("name", record.config.proxy)
    measured = _measured(_proxy(record)).replace("negative ", "\N{MINUS SIGN}")
    return f"proxy score ({measured})" if trains(record) else f"training-free score {name}"


def proxy_note(record: StudyRecord) -> str:
    """`proxy_sentence` in the size of a caption."""
    proxy = _proxy(record)
    if not trains(record):
        return f"Training-free proxy {proxy.get('name', record.config.proxy)}: no accuracy."
    return f"Proxy: {_training(proxy)}. Not ImageNet accuracy."


def machine_note(record: StudyRecord) -> str:
    """Host, processor and date, as far as they are known."""
    date = (record.resolved.get("machine") or {}).get("date")
    return ", ".join(part for part in (machine_name(record), date) if part)


def machine_name(record: StudyRecord) -> str:
    """Host and processor, as far as they are known."""
    machine = record.resolved.get("machine") or {}
    return ", ".join(str(machine[key]) for key in ("host", "cpu") if machine.get(key))


def next_commands(record: StudyRecord) -> list[tuple[str, str]]:
    """What to do next: (purpose, command)."""
    name, where = shlex.quote(record.name), storage_option(record.storage)
    more = max(2 * record.config.trials, record.config.trials + 1)
    return [
        ("redraw this report from storage", f"vitspace report {name}{where}"),
        ("look at every trial", f"vitspace dashboard {name}{where}"),
        ("evaluate more designs", f"vitspace search --study {name} --resume --trials {more}{where}"),
        *(design_commands(record, record.front[-1])[:2] if record.front else []),
    ]


def design_commands(record: StudyRecord, trial: Trial) -> list[tuple[str, str]]:
    """What to do next with one design of a study: (purpose, command)."""
    design, where = f"{shlex.quote(record.name)} --trial {trial.number}", storage_option(record.storage)
    return [
        ("take this design away", f"vitspace export {design}{where}"),
        ("train it in full", f"vitspace train {design} --data imagefolder:DIR{where}"),
        ("see where its milliseconds go", f"vitspace profile exports/{record.name}-trial-{trial.number}/spec.json"),
    ]


def select_command(record: StudyRecord, trial: Trial) -> str:
    """The command that prints one design of a study."""
    return f"vitspace report {shlex.quote(record.name)} --select {trial.number}{storage_option(record.storage)}"


def dominated_by(record: StudyRecord, number: int) -> str:
    """Say whether a completed trial is on the front, or which trials of the front beat it on every axis."""
    if any(trial.number == number for trial in record.front):
        return "on the front"
    point = next(trial.point for trial in record.completed if trial.number == number)
    better = [t for t in record.front if all(a <= b for a, b in zip(t.point, point, strict=True))]
    limit = noise_limit(record) or 0.0
    names = [f"{trial_name(t)} (trial {t.number}{_caveat(point[0] - t.point[0], limit)})" for t in better]
    return "dominated by " + ", ".join(names)


def _caveat(gap: float, limit: float) -> str:
    return ", the score within noise" if limit and gap <= limit else ""


def _proxy(record: StudyRecord) -> dict[str, Any]:
    return record.resolved.get("proxy") or {}


def trains(record: StudyRecord) -> bool:
    """Whether the study's proxy trains its designs."""
    told = _proxy(record).get("trains")
    return trains_by_name(record.config.proxy) if told is None else bool(told)


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


def _measured(proxy: dict[str, Any]) -> str:
    """What a proxy that trains measures; one of another package says it in its record."""
    return str(proxy.get("measures") or "negative validation loss")


def _training(proxy: dict[str, Any]) -> str:
    """``40 steps of training from scratch on fractal at 64 px (batch 32)``, without what is not known."""
    text = f"{proxy['steps']} steps of training from scratch" if proxy.get("steps") else "a short training from scratch"
    text += f" on {proxy['data']}" if proxy.get("data") else ""
    text += f" at {proxy['img_size']} px" if proxy.get("img_size") else ""
    return text + (f" (batch {proxy['batch_size']})" if proxy.get("batch_size") else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
