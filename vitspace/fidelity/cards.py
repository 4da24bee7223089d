"""Report cards of proxies: how well scores order published designs, with intervals."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from vitspace.accuracy.learning import learn
from vitspace.anchors import Anchor
from vitspace.anchors.counting import published_rows
from vitspace.anchors.references import Pair, ablation_pairs, main_anchors, spec_of, timm_peers
from vitspace.costs import cost
from vitspace.fidelity.held import HeldErrors
from vitspace.proxies import COMBINATIONS
from vitspace.proxies.combinations import combination
from vitspace.proxies.evidence import known_of, references
from vitspace.proxies.score_tables import ScoreRow
from vitspace.proxies.scored import ProxyScores, all_families, scored
from vitspace.proxies.scores import BASELINES, TIMM
from vitspace.statistics import (
    by_table,
    finite,
    interval,
    kendall,
    regret,
    resamples,
    resamples_of,
    rightness,
    within_bins,
)

#: The proxy by which designs of equal cost are screened and ordered.
DEFAULT = "rank"
#: Edges of the bins of FLOPs, in billions of multiply-adds.
BINS = (0.75, 1.5, 3.0, 6.0)
TOP_K = 3

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Card:
    """A proxy's report card; every interval holds 90 % of bootstrap samples.

    Attributes:
        proxy: Name of the proxy.
        init: own or common initialisation.
        specs: Number of scored designs, timm's networks included.
        anchors: Number of main anchors among them.
        kendall_tau: Tau-b with published top-1 over the main anchors; its interval is over anchors.
        tau_over_params: Tau minus that of params, on the same bootstrap samples.
        tau_over_params_group_ci: Its interval over families, since the designs of one family are alike.
        pairs: Number of ablation pairs of which both designs were scored, or failed.
        pair_accuracy: Share of pairs in the right order, ties and failures as one half; its interval is over tables.
        pairs_over_params: Pair accuracy minus that of params.
        flagged_pairs: Number of pairs with a row whose network does not have the printed cost.
        flagged_accuracy: Pair accuracy on them.
        hard_pairs: Number of pairs that params order wrongly or tie.
        hard_right: Number of hard pairs in the right order.
        hard_accuracy: Share of hard pairs in the right order.
        bin_tau: Tau-a over anchors of similar FLOPs.
        top_k_regret: Top-1 of the best anchor minus that of the best of the `TOP_K` anchors of highest score.
        bin_regret: The same with the one anchor of highest score in each bin of FLOPs, on average.
        leave_one_family_out: By family: tau over the other families' anchors, number of the family's pairs, and the
            accuracy of the proxy and of params on them.
        peers: The same over timm's networks, on which no combination is fitted, with their series as groups: specs,
            kendall_tau, tau_ci, tau_over_params, tau_over_params_ci, tau_over_params_group_ci.
        seed_tau: Tau between the scores of two seeds over all designs; None if there is one seed.
        seed_pairs: Share of ablation pairs that two seeds order alike.
        seed_noise: Standard deviation of the score between seeds, pooled over the designs with several seeds.
        seed_designs: Number of designs with several seeds.
        seconds_per_spec: Median seconds for a design.
        failures: Number of designs without a score.
        reasons: The reasons of the failures, each once.
        source: committed, or measured if any score was measured on this machine.
        fitted: none, or leave-one-family-out for a combination, which is fitted without the family it is judged on.
        default: Whether designs are screened by this proxy by default.
        weight: What the score weighs as evidence beside the predictor, 0 to 1; see `vitspace.accuracy.evidence`. None
            of the predictor and the posterior.
        explained: Share of the variance of what the predictor misses that the score explains on families left out; the
            lower end of its interval is the weight. None where the score is known of too few networks.
        explained_ci: Its interval, over families.
        weights: Of the posterior: the weights of the proxies that it may rest on.
        mae: Of the predictor of top-1 and of the posterior, mean absolute error over the anchors, each without its
            family, in points; this and what follows is None for what is no estimate of top-1.
        bias: Mean over the anchors of estimate less published top-1, each without its family, points.
        low: How many anchors are estimated low then.
        siblings_bias: `bias` with each anchor alone left out.
        coverage90: Share of the anchors in their 90 % interval.
        siblings_mae: Points, each anchor alone left out.
        siblings_tau: Tau then.
        public: Public networks of the usual recipe that are predicted without their family.
        public_mae: Points, over those.
        public_tau: Tau over those.
        public_tau_like_flops: Tau-a over their pairs of different families and similar FLOPs.
        public_coverage90: Share of those in their 90 % interval.
        held: All of these errors by what was left out; empty of what is no estimate of top-1.
    """

    proxy: str
    init: str
    specs: int
    anchors: int
    kendall_tau: float | None
    tau_ci: Interval
    tau_over_params: float | None
    tau_over_params_ci: Interval
    tau_over_params_group_ci: Interval
    pairs: int
    pair_accuracy: float | None
    pair_ci: Interval
    pairs_over_params: float | None
    pairs_over_params_ci: Interval
    flagged_pairs: int
    flagged_accuracy: float | None
    hard_pairs: int
    hard_right: float
    hard_accuracy: float | None
    hard_ci: Interval
    bin_tau: float | None
    top_k_regret: float | None
    bin_regret: float | None
    leave_one_family_out: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    peers: Mapping[str, Any] = field(default_factory=dict)
    seed_tau: float | None = None
    seed_pairs: float | None = None
    seed_noise: float | None = None
    seed_designs: int = 0
    seconds_per_spec: float = 0.0
    failures: int = 0
    reasons: tuple[str, ...] = ()
    source: str = "committed"
    fitted: str = "none"
    default: bool = False
    weight: float | None = None
    explained: float | None = None
    explained_ci: Interval = None
    weights: Mapping[str, float] = field(default_factory=dict)
    mae: float | None = None
    bias: float | None = None
    low: int | None = None
    siblings_bias: float | None = None
    coverage90: float | None = None
    siblings_mae: float | None = None
    siblings_tau: float | None = None
    public: int | None = None
    public_mae: float | None = None
    public_tau: float | None = None
    public_tau_like_flops: float | None = None
    public_coverage90: float | None = None
    held: tuple[HeldErrors, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def make_cards(
    proxies: Sequence[str], inits: Sequence[str], rows: Iterable[ScoreRow], new: frozenset[str] = frozenset()
) -> list[Card]:
    """Return the card of every proxy and initialisation; a proxy that only counts has one card.

    Args:
        proxies: Names.
        inits: own, common or both.
        rows: The table of scores.
        new: Keys of the rows that are not committed.
    """
    table = list(rows)
    families = all_families()
    params = scored("params", "own", table, families)
    cards, done = [], set()
    for proxy in proxies:
        for init in inits:
            found = scored(proxy, init, table, families)
            signature = (proxy, tuple(found.values.items()))
            if signature in done or (init != "own" and not found.values and not found.failures):
                continue
            done.add(signature)
            measured = any(row.key in new for row in table if _rests_on(proxy, init, row))
            made = card(found, params, "measured" if measured else "committed")
            told = learn(proxy, known_of(found.values, references()))
            share, ends = (told.share, told.share_ci) if told.reading else (None, None)
            cards.append(replace(made, weight=told.weight, explained=share, explained_ci=ends))
    return cards


def _rests_on(proxy: str, init: str, row: ScoreRow) -> bool:
    """Whether a row is of the proxy, or of a component of it if it is a combination."""
    parts = combination(proxy).COMPONENTS if proxy in COMBINATIONS else (proxy,)
    return row.proxy in parts and row.init == ("own" if row.proxy in BASELINES else init)


def card(found: ProxyScores, params: ProxyScores, source: str = "committed") -> Card:
    """Compute one card, with differences from params, over the designs that both have scored."""
    both = found.values.keys() & params.values.keys()
    anchors = [row for row in main_anchors() if spec_of(row).id in both]
    tried = (found.values.keys() | found.failures.keys()) & params.values.keys()
    pairs = [pair for pair in ablation_pairs() if all(spec.id in tried for spec in pair.specs)]
    right, baseline = _right(found, pairs), _right(params, pairs)
    hard = baseline < 1
    flagged = np.array([bool({pair.a.id, pair.b.id} & _unreproduced()) for pair in pairs], dtype=bool)
    return Card(
        proxy=found.proxy,
        init=found.init,
        specs=len(found.values),
        anchors=len(anchors),
        **_tau(
            found, params, {spec_of(row).id: row.published["top1"] for row in anchors}, [row.family for row in anchors]
        ),
        pairs=len(pairs),
        **_pairs(right, baseline, [pair.table for pair in pairs]),
        flagged_pairs=int(flagged.sum()),
        flagged_accuracy=_mean(right[flagged]),
        hard_pairs=int(hard.sum()),
        hard_right=float(right[hard].sum()),
        hard_accuracy=_mean(right[hard]),
        hard_ci=_hard_interval(right, hard, [pair.table for pair in pairs]),
        **_cost_matched(found, anchors),
        leave_one_family_out=_by_family(found, anchors, pairs, right, baseline),
        peers=_peers(found, params),
        **_noise(found, pairs),
        seconds_per_spec=float(np.median(list(found.seconds.values()) or [0.0])),
        failures=len(found.failures),
        reasons=tuple(sorted(set(found.failures.values()))),
        source=source,
        fitted="leave-one-family-out" if found.fitted else "none",
        default=found.proxy == DEFAULT,
    )


def _tau(
    found: ProxyScores, params: ProxyScores, published: Mapping[str, float], groups: Sequence[str]
) -> dict[str, Any]:
    """Tau with top-1, by spec id or timm's name, and its difference from the tau of params."""
    if len(published) < 3:  # of two designs it is 1 or -1
        names = ("kendall_tau", "tau_ci", "tau_over_params", "tau_over_params_ci", "tau_over_params_group_ci")
        return dict.fromkeys(names)
    top1 = list(published.values())
    own, other = ([s.values[name] for name in published] for s in (found, params))
    (samples, others), grouped = (
        [kendall(values, top1, weights) for values in (own, other)]
        for weights in (resamples(len(published)), resamples_of(groups))
    )
    tau, base = kendall(own, top1)[0], kendall(other, top1)[0]
    return {
        "kendall_tau": finite(tau),
        "tau_ci": interval(samples),
        "tau_over_params": finite(tau - base),
        "tau_over_params_ci": interval(samples - others),
        "tau_over_params_group_ci": interval(grouped[0] - grouped[1]),
    }


def _pairs(right: np.ndarray, baseline: np.ndarray, tables: list[str]) -> dict[str, Any]:
    if not tables:
        return dict.fromkeys(("pair_accuracy", "pair_ci", "pairs_over_params", "pairs_over_params_ci"))
    weights = resamples(len(set(tables)), seed=1)
    samples, others = by_table(right, tables, weights), by_table(baseline, tables, weights)
    return {
        "pair_accuracy": float(right.mean()),
        "pair_ci": interval(samples),
        "pairs_over_params": float(right.mean() - baseline.mean()),
        "pairs_over_params_ci": interval(samples - others),
    }


def _hard_interval(right: np.ndarray, hard: np.ndarray, tables: list[str]) -> Interval:
    chosen = [table for table, is_hard in zip(tables, hard, strict=True) if is_hard]
    return interval(by_table(right[hard], chosen, resamples(len(set(chosen)), seed=1))) if chosen else None


def _cost_matched(found: ProxyScores, anchors: list[Anchor]) -> dict[str, Any]:
    if len(anchors) < 3:
        return {"bin_tau": None, "top_k_regret": None, "bin_regret": None}
    scores, top1 = [found.values[spec_of(row).id] for row in anchors], [row.published["top1"] for row in anchors]
    bins = [int(np.searchsorted(BINS, cost(spec_of(row)).macs / 1e9)) for row in anchors]
    inside = [[i for i, b in enumerate(bins) if b == one] for one in sorted(set(bins))]
    regrets = [regret([scores[i] for i in some], [top1[i] for i in some], 1) for some in inside]
    return {
        "bin_tau": within_bins(scores, top1, bins),
        "top_k_regret": regret(scores, top1, TOP_K),
        "bin_regret": float(np.mean(regrets)),
    }


def _by_family(
    found: ProxyScores, anchors: list[Anchor], pairs: Sequence[Pair], right: np.ndarray, baseline: np.ndarray
) -> dict[str, Any]:
    result: dict[str, dict[str, float | None]] = {}
    for family in sorted({row.family for row in main_anchors()}):
        others = [row for row in anchors if row.family != family]
        scores, top1 = [found.values[spec_of(row).id] for row in others], [row.published["top1"] for row in others]
        own = np.array([pair.family == family for pair in pairs], dtype=bool)
        tau = finite(kendall(scores, top1)[0]) if len(others) > 1 else None
        shares = {"pair_accuracy": _mean(right[own]), "params_accuracy": _mean(baseline[own])}
        result[family] = {"kendall_tau": tau, "pairs": int(own.sum()), **shares}
    return result


def _peers(found: ProxyScores, params: ProxyScores) -> dict[str, Any]:
    known = found.values.keys() & params.values.keys()
    rows = {TIMM + name: row for name, row in timm_peers().items() if TIMM + name in known}
    published = {name: row.published["top1"] for name, row in rows.items()}
    return {"specs": len(rows), **_tau(found, params, published, [_series(name) for name in rows])}


def _series(name: str) -> str:
    """Return the series of a network of timm: swin, convnextv."""
    series = re.match("[a-z]+", name.removeprefix(TIMM))
    assert series is not None
    return series.group()


def _noise(found: ProxyScores, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Agreement of two seeds, on average over all pairs of seeds."""
    taus, shares = [], []
    for one, two in combinations(found.seeds, 2):
        both = sorted(one.keys() & two.keys())
        if len(both) > 1:
            taus.append(kendall([one[s] for s in both], [two[s] for s in both])[0])
        shared = [pair for pair in pairs if all(spec.id in both for spec in pair.specs)]
        gaps = [[_gap(values, pair) for pair in shared] for values in (one, two)]
        shares += [np.mean(rightness(gaps[0], gaps[1]))] if shared else []
    return {"seed_tau": _mean(np.array(taus)), "seed_pairs": _mean(np.array(shares)), **_pooled(found)}


def _pooled(found: ProxyScores) -> dict[str, Any]:
    """Pool the variance between seeds over designs, each with its degrees of freedom."""
    scores = [[seed[spec] for seed in found.seeds if spec in seed] for spec in found.values]
    several = [values for values in scores if len(values) > 1]
    squares = sum(len(values) * float(np.var(values)) for values in several)
    freedom = sum(len(values) - 1 for values in several)
    return {"seed_noise": math.sqrt(squares / freedom) if freedom else None, "seed_designs": len(several)}


def _right(found: ProxyScores, pairs: Sequence[Pair]) -> np.ndarray:
    return rightness([_gap(found.values, pair) for pair in pairs], [pair.difference for pair in pairs])


def _gap(values: Mapping[str, float], pair: Pair) -> float:
    a, b = (values.get(spec.id, float("nan")) for spec in pair.specs)
    return a - b


@cache
def _unreproduced() -> frozenset[str]:
    return frozenset(row["id"] for row in published_rows() if row["status"] == "unreproduced")


def _mean(values: np.ndarray) -> float | None:
    return finite(values.mean()) if len(values) else None
