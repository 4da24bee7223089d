"""Judges the predictor with the evidence of proxies, as the predictor alone is judged.

A family is predicted without its rows, and evidence is learnt without them too. Of several proxies that weigh something
on all families the one counts that weighs most without the family; where none does, the posterior is the prediction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitspace.accuracy.evidence import Evidence
from vitspace.accuracy.judging import Held
from vitspace.accuracy.learning import KnownScores, learn
from vitspace.anchors.references import main_anchors, spec_of
from vitspace.fidelity.cards import Card, card
from vitspace.fidelity.jobs import POSTERIOR
from vitspace.fidelity.predicted import in_points, predicted_scores
from vitspace.proxies import COMBINATIONS
from vitspace.proxies.evidence import known_of, references
from vitspace.proxies.score_tables import ScoreRow
from vitspace.proxies.scored import ProxyScores, all_families, scored
from vitspace.proxies.scores import TIMM


@dataclass(frozen=True)
class Told:
    """What a proxy tells of a network, learnt without its family."""

    evidence: Evidence
    remainder: float


def posterior_card(rows: Sequence[ScoreRow], proxies: Sequence[str]) -> Card:
    """Return the posterior's card, beside params of a table of scores.

    Args:
        rows: The table.
        proxies: Whose evidence counts; none named: all that the table has scores of, and combinations.
    """
    names = proxies or (*dict.fromkeys(row.proxy for row in rows), *COMBINATIONS)
    values = {name: scored(name, "own", rows, all_families()).values for name in names}
    known = {name: known_of(values[name], references()) for name in names}
    weights = {name: learn(name, one).weight for name, one in known.items()}
    told = _told(values, {name: one for name, one in known.items() if weights[name]})
    scores = predicted_scores() | {
        each.name: -told[each.name].evidence.update(each.mean, each.sd, told[each.name].remainder)[0]
        for each in references()
        if each.name in told
    }
    made = card(
        ProxyScores(POSTERIOR, "own", scores, (scores,), fitted=True), scored("params", "own", rows, all_families())
    )
    return replace(in_points(made, lambda held: _updated(held, told)), weights=weights)


def _told(values: Mapping[str, Mapping[str, float]], known: Mapping[str, KnownScores]) -> dict[str, Told]:
    """Return by name what references are told, each by the evidence that weighs most without its family."""
    found: dict[str, Told] = {}
    for family in dict.fromkeys(each.family for each in references()):
        learnt = [learn(name, one.at(one.families != family)) for name, one in known.items()]
        best = max(learnt, key=lambda evidence: evidence.weight, default=None)
        scores = values[best.proxy] if best and best.weight else {}
        for each in references():
            if best is not None and each.family == family and each.name in scores:
                found[each.name] = Told(best, best.remainder(scores[each.name], each.params, each.macs))
    return found


def _updated(held: Held, told: Mapping[str, Told]) -> Held:
    """Return held networks with what they are told."""
    specs = {row.id: spec_of(row).id for row in main_anchors()}
    predicted, sds = held.predicted.copy(), held.sds.copy()
    for i, name in enumerate(held.names):
        if one := told.get(specs.get(name, TIMM + name.partition(".")[0])):
            mean, sds[i] = one.evidence.update(np.log(100 - predicted[i]), sds[i], one.remainder)
            predicted[i] = 100 - np.exp(mean)
    return replace(held, predicted=predicted, sds=sds)
