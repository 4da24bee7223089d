"""Evidence of proxies: how much their committed scores tell of accuracy beside the prediction.

It is learnt on our anchors, on timm's peers of the usual recipe and on the rows of ablation tables, each predicted
without its family.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from vitspace.accuracy.evidence import Evidence
from vitspace.accuracy.judging import Held, anchors_held, public_held, without_family
from vitspace.accuracy.learning import ALONE, KnownScores, learn
from vitspace.accuracy.predictor import NORMAL_90, predictor
from vitspace.anchors.references import ablation_pairs, ablation_rows, main_anchors, spec_of, timm_peers
from vitspace.costs import cost
from vitspace.proxies.score_tables import committed_rows
from vitspace.proxies.scored import all_families, scored
from vitspace.proxies.scores import TIMM


@dataclass(frozen=True)
class Reference:
    """A published network with what is predicted of it without its family.

    Attributes:
        name: Id of its spec, or timm's name as tables of scores have it.
        family: Ours, or timm's source file.
        group: `ALONE`, or the number of an ablation's baseline.
        params: Number.
        macs: Multiply-adds.
        log_error: Published, log(100 - top1).
        mean: Predicted.
        sd: Of the prediction, calibrated.
    """

    name: str
    family: str
    group: int
    params: int
    macs: int
    log_error: float
    mean: float
    sd: float


@cache
def evidence_of(proxy: str) -> Evidence:
    """Return what a proxy's committed scores tell, by its canonical name, ``train:tiny``; weight 0 of unknown names."""
    return learn(proxy, known_of(scored(proxy, "own", committed_rows(), all_families()).values, references()))


def known_of(values: Mapping[str, float], among: Iterable[Reference]) -> KnownScores:
    """Return references with a proxy's scores, as far as there are, by name."""
    found = [each for each in among if each.name in values]
    return KnownScores(
        np.array([values[each.name] for each in found]),
        np.log10([[each.params, each.macs] for each in found]).reshape(-1, 2),
        np.array([(each.log_error - each.mean) / each.sd for each in found]),
        np.array([each.family for each in found]),
        np.array([each.group for each in found], dtype=np.int64),
    )


@cache
def references() -> tuple[Reference, ...]:
    """Return the networks that stand for themselves, then the rows of ablation tables, each design once."""
    anchors = {row.id: spec_of(row).id for row in main_anchors()}
    peers = {name: TIMM + name for name in timm_peers()}
    return (*_alone(anchors_held(), anchors), *_alone(public_held(), peers), *_ablations())


def _alone(held: Held, names: dict[str, str]) -> Iterable[Reference]:
    """Return held networks that tables of scores know, by name of the architecture."""
    rows = {row.name: row.cost for row in predictor().rows}
    for i, name in enumerate(held.names):
        if key := names.get(name.partition(".")[0]):
            error, mean = (float(np.log(100 - values[i])) for values in (held.published, held.predicted))
            size = rows[name]
            yield Reference(key, held.families[i], ALONE, size.params, size.macs, error, mean, float(held.sds[i]))


def _ablations() -> Iterable[Reference]:
    baselines = _baselines()
    rows = {spec_of(row).id: row for row in ablation_rows()}
    predicted = without_family({row.id: row.family for row in rows.values()})
    scale = predictor().factors[1] / NORMAL_90
    for name, row in rows.items():
        size, (mean, sd) = cost(spec_of(row), row.resolution), predicted[row.id]
        error = float(np.log(100 - row.published["top1"]))
        yield Reference(name, row.family, baselines[name], size.params, size.macs, error, mean, scale * sd)


def _baselines() -> dict[str, int]:
    """Return by spec id the number of the baseline, from 1: designs that pairs join share one."""
    found: dict[str, int] = {}
    for number, pair in enumerate(ablation_pairs(), start=1):
        a, b = (found.get(spec.id, number) for spec in pair.specs)
        found |= {name: a for name, group in found.items() if group == b}
        found |= {spec.id: a for spec in pair.specs}
    return found
