"""Judges the predictor of top-1 from public results as every proxy is judged, and in points."""

from collections.abc import Iterable
from dataclasses import replace

from vitspace.accuracy.judging import anchors_held, public_held, siblings_held, without_family
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.recipes import USUAL
from vitspace.anchors.references import ablation_pairs, main_anchors, timm_peers
from vitspace.fidelity.cards import Card, all_families, card
from vitspace.fidelity.jobs import PREDICTOR
from vitspace.fidelity.scored import ProxyScores, scored
from vitspace.proxies.score_tables import ScoreRow
from vitspace.proxies.scores import TIMM


def predictor_card(rows: Iterable[ScoreRow]) -> Card:
    """Return the predictor's card, every design predicted without its family, beside params of a table of scores."""
    params = scored("params", "own", rows, all_families())
    anchors, siblings, public = anchors_held(), siblings_held(), public_held()
    return replace(
        card(_scored(), params),
        default=True,
        mae=anchors.mae,
        coverage90=anchors.coverage90,
        siblings_mae=siblings.mae,
        siblings_tau=siblings.tau,
        public=len(public.names),
        public_mae=public.mae,
        public_tau=public.tau,
        public_tau_like_flops=public.tau_like_flops,
        public_coverage90=public.coverage90,
    )


def _scored() -> ProxyScores:
    """Return by spec id, and by timm's name, the negative log error predicted without the family."""
    paired = [row for pair in ablation_pairs() for row in (pair.a, pair.b)]
    own = {row.id: row for row in (*main_anchors(), *paired)}
    predicted = without_family({name: row.family for name, row in own.items()})
    values = {row.spec.id: -predicted[name][0] for name, row in own.items() if row.spec}
    values |= _peers()
    return ProxyScores(PREDICTOR, "own", values, (values,), fitted=True)


def _peers() -> dict[str, float]:
    """Return the predictions of timm's peers, those of the usual recipe where there are several."""
    model = predictor()
    mean, _ = model.left_out
    found: dict[str, float] = {}
    for row, value in sorted(zip(model.rows, mean, strict=True), key=lambda pair: pair[0].recipe == USUAL):
        architecture = row.name.partition(".")[0]
        if row.public and architecture in timm_peers():
            found[TIMM + architecture] = -float(value)
    return found
