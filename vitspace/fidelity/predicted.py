"""Judges the predictor of top-1 from public results as every proxy is judged, and in points."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from vitspace.accuracy.judging import Held, anchors_held, public_held, siblings_held, without_family
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.recipes import USUAL
from vitspace.anchors.references import ablation_rows, main_anchors, spec_of, timm_peers
from vitspace.fidelity.cards import Card, card
from vitspace.fidelity.held import HeldErrors
from vitspace.fidelity.jobs import PREDICTOR
from vitspace.proxies.score_tables import ScoreRow
from vitspace.proxies.scored import ProxyScores, all_families, scored
from vitspace.proxies.scores import TIMM


def predictor_card(rows: Iterable[ScoreRow]) -> Card:
    """Return the predictor's card, every design predicted without its family, beside params of a table of scores."""
    params = scored("params", "own", rows, all_families())
    values = predicted_scores()
    made = card(ProxyScores(PREDICTOR, "own", values, (values,), fitted=True), params)
    return replace(in_points(made, lambda held: held), default=True)


def in_points(made: Card, updated: Callable[[Held], Held]) -> Card:
    """Return a card with how far estimates are off in points, each made of a prediction without the family."""
    anchors, siblings, public = map(updated, (anchors_held(), siblings_held(), public_held()))
    return replace(
        made,
        mae=anchors.mae,
        bias=anchors.bias,
        low=int((anchors.errors < 0).sum()),
        siblings_bias=siblings.bias,
        coverage90=anchors.coverage90,
        siblings_mae=siblings.mae,
        siblings_tau=siblings.tau,
        public=len(public.names),
        public_mae=public.mae,
        public_tau=public.tau,
        public_tau_like_flops=public.tau_like_flops,
        public_coverage90=public.coverage90,
        held=(
            HeldErrors.of("anchors", "family", anchors),
            HeldErrors.of("anchors", "itself", siblings),
            HeldErrors.of("public", "family", public),
        ),
    )


def predicted_scores() -> dict[str, float]:
    """Return by spec id, and by timm's name, the negative log error predicted without the family."""
    own = {row.id: row for row in (*main_anchors(), *ablation_rows())}
    predicted = without_family({name: row.family for name, row in own.items()})
    return {spec_of(row).id: -predicted[name][0] for name, row in own.items()} | _peers()


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
