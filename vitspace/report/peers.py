"""Public networks beside the designs of a study: what is said of them, and which designs lead them."""

from typing import Any, Literal

import pandas as pd

from vitspace.accuracy.posterior import PUBLISHED_SD
from vitspace.plots.names import public_name
from vitspace.report.standing import Neighbour, standings_words
from vitspace.study.peer import StudyPeer
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial
from vitspace.words import plural

#: FLOPs and milliseconds as a multiple of the dearest design's, beyond which a network is in the table alone.
BEYOND = 1.5
#: A cost of a figure, and where it stands in `Trial.point`.
Axis = Literal["macs", "latency_ms"]
_PLACES: dict[Axis, int] = {"macs": 1, "latency_ms": 2}
_COLUMNS = [
    *("name", "network", "gflops", "params_m", "latency_ms", "latency_low_ms", "latency_high_ms", "latency_doubt"),
    *("published_top1", "img_size", "recipe", "source", "why"),
]


def peers_table(record: StudyRecord) -> pd.DataFrame:
    """The public networks beside a study, by FLOPs."""
    return pd.DataFrame([_row(peer) for peer in record.peers], columns=_COLUMNS)


def _row(peer: StudyPeer) -> dict[str, Any]:
    timed = {f"latency_{name}": peer.latency.get(name) or None for name in ("low_ms", "high_ms", "doubt")}
    what = peer.recipe if peer.like_for_like or peer.top1 is None else f"{peer.recipe}: not like for like"
    facts = {"gflops": peer.macs / 1e9, "params_m": peer.params / 1e6, "latency_ms": peer.latency_ms, **timed}
    facts |= {"published_top1": peer.top1, "img_size": peer.img_size, "recipe": what, "source": peer.source or None}
    return {"name": public_name(peer.name), "network": peer.name, **facts, "why": peer.why or None}


def peers_words(record: StudyRecord) -> str:
    """Say which designs lead the public network that is nearest to each of them, and what is not compared."""
    if not record.peers:
        return ""
    said = (_leads(record), _above(record), _apart(record), _unknown(record), _untimed(record))
    return " ".join(text for text in said if text)


def _leads(record: StudyRecord) -> str:
    if not record.in_points:
        return "Their published accuracies do not compare with a proxy's scores, so they stand by their costs alone."
    beside = [_neighbour(peer) for peer in record.peers if peer.like_for_like and peer.latency_ms]
    said = standings_words(record, beside, "the public network that is nearest")
    names = ", ".join(each.name for each in beside)
    how = f"of the usual recipe, timed as the designs were at the size of image of their top-1 ({names})"
    return f"Beside {plural(len(beside), 'public network')} {how}: {said[0].lower()}{said[1:]}" if said else ""


def _above(record: StudyRecord) -> str:
    """Name the networks of the usual recipe that are published above the estimates of all searched designs.

    A design is held against its nearest network alone, so that one above them all may be nearest to none.
    """
    found = [trial.score for trial in record.completed if not trial.anchor and trial.score is not None]
    if not found or not record.in_points:
        return ""
    in_view = [peer for peer in peers_in_view(record, "macs") if peer.like_for_like and peer.top1 is not None]
    above = [
        f"{public_name(peer.name)} ({peer.top1:.1f} %, {peer.macs / 1e9:.2f} G)"
        for peer in in_view
        if peer.top1 is not None and peer.top1 > max(found)
    ]
    return f"Published above the estimates of all searched designs: {', '.join(above)}." if above else ""


def _neighbour(peer: StudyPeer) -> Neighbour:
    """A peer as the trial that it would be, at its published accuracy."""
    assert peer.top1 is not None
    trial = Trial(
        number=-1,
        state="complete",
        params=peer.params,
        macs=peer.macs,
        latency_ms=peer.latency_ms,
        latency=peer.latency,
        score=peer.top1,
        score_std=PUBLISHED_SD,
        estimate={"published": peer.top1},
    )
    return Neighbour(public_name(peer.name), trial)


def _apart(record: StudyRecord) -> str:
    apart = [f"{public_name(p.name)} ({p.recipe})" for p in record.peers if p.top1 is not None and not p.like_for_like]
    if not apart or not record.in_points:
        return ""
    return f"Not like for like, and left out of that: {', '.join(apart)}."


def _unknown(record: StudyRecord) -> str:
    names = [public_name(peer.name) for peer in record.peers if peer.top1 is None]
    return f"Of unknown accuracy, and so in no figure of accuracy: {', '.join(names)}." if names else ""


def _untimed(record: StudyRecord) -> str:
    """Name the networks that are not timed, by reason."""
    reasons: dict[str, list[str]] = {}
    for peer in record.peers:
        if not peer.latency_ms:
            reasons.setdefault(peer.why, []).append(public_name(peer.name))
    said = [f"Not timed{f', as {why}' if why else ''}: {', '.join(names)}." for why, names in reasons.items()]
    return " ".join(said)


def peers_in_view(record: StudyRecord, *axes: Axis) -> list[StudyPeer]:
    """The peers of which a figure's costs are known, and not far beyond those of the dearest design."""

    def fits(peer: StudyPeer, axis: Axis) -> bool:
        value, dearest = getattr(peer, axis), max(trial.point[_PLACES[axis]] for trial in record.completed)
        return value is not None and value <= BEYOND * dearest

    return [peer for peer in record.peers if record.completed and all(fits(peer, axis) for axis in axes)]
