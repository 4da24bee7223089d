"""The scores of published designs by one proxy; a combination is fitted without the family that it is judged on."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vitspace.anchors.references import ablation_rows, main_anchors, spec_of
from vitspace.errors import InputError
from vitspace.proxies import COMBINATIONS
from vitspace.proxies.combinations import combination, fit_on
from vitspace.proxies.score_tables import ScoreRow
from vitspace.proxies.scores import BASELINES

Values = dict[str, float]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProxyScores:
    """One proxy's scores.

    Attributes:
        proxy: Name of the proxy.
        init: own or common.
        values: Means over seeds, by spec id or timm's name; for a combination, of a model that was fitted without the
            design's family.
        seeds: Values of each seed.
        seconds: Means over seeds, by design.
        failures: Designs without a value, with the reason.
        fitted: Whether a model was fitted, each family left out in turn.
    """

    proxy: str
    init: str
    values: Values
    seeds: tuple[Values, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    fitted: bool = False


def scored(proxy: str, init: str, rows: Iterable[ScoreRow], families: Mapping[str, str]) -> ProxyScores:
    """Return a proxy's scores from the rows of a table.

    Args:
        proxy: Name of the proxy.
        init: own or common; a proxy that only counts has own.
        rows: The table.
        families: Family of every design by spec id; timm's networks have none.
    """
    if proxy in COMBINATIONS:
        return _combined(proxy, init, list(rows), families)
    wanted = "own" if proxy in BASELINES else init
    chosen = [row for row in rows if row.proxy == proxy and row.init == wanted]
    seeds = sorted({row.seed for row in chosen})
    by_seed = tuple({r.spec: r.value for r in chosen if r.seed == seed and r.value is not None} for seed in seeds)
    failures = {row.spec: row.failure or "no value" for row in chosen if row.value is None}
    everywhere = {spec for values in by_seed for spec in values} - failures.keys()
    values = {spec: _mean([v[spec] for v in by_seed if spec in v]) for spec in sorted(everywhere)}
    times: dict[str, list[float]] = {}
    for row in chosen:
        times.setdefault(row.spec, []).append(row.seconds)
    seconds = {spec: _mean(each) for spec, each in times.items()}
    return ProxyScores(proxy, init, values, by_seed, seconds, failures)


def _combined(proxy: str, init: str, rows: list[ScoreRow], families: Mapping[str, str]) -> ProxyScores:
    parts = {name: scored(name, init, rows, families) for name in combination(proxy).COMPONENTS}
    values = {name: part.values for name, part in parts.items()}
    complete = set.intersection(*(set(column) for column in values.values()))
    try:
        models = {
            family: fit_on(proxy, values, [row for row in main_anchors() if row.family != family])
            for family in {*families.values(), ""}
        }
    except InputError as error:
        _log.warning("%s has no scores yet: %s", proxy, error)
        return ProxyScores(proxy, init, {}, fitted=True)
    combined = {
        spec: models[families.get(spec, "")].predict({name: column[spec] for name, column in values.items()})
        for spec in sorted(complete)
    }
    failures = {spec: f"{part.proxy}: {why}" for part in parts.values() for spec, why in part.failures.items()}
    seconds = {spec: sum(part.seconds.get(spec, 0.0) for part in parts.values()) for spec in complete}
    return ProxyScores(proxy, init, combined, (combined,), seconds, failures, fitted=True)


def all_families() -> dict[str, str]:
    """Return the family of every published design, by spec id."""
    return {spec_of(row).id: row.family for row in (*main_anchors(), *ablation_rows())}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
