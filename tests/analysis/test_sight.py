"""Which axes a proxy sees: proxies made to see some, on a space whose designs are all known."""

import json
from itertools import combinations

import numpy as np
import pytest

from vitspace.analysis.axes import AxisFindings
from vitspace.analysis.observations import of_scored
from vitspace.analysis.scoring import ScoredDesign, Scorer
from vitspace.analysis.sight import MATTERS, SEEN, Spread, changes, published_scores, spread_of
from vitspace.proxies import Score
from vitspace.space import load_space
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord

AXES = ("dim", "depth", "mlp_ratio")
REGIONS = """
family: msg
axes:
  dim: [64]
  depth: [1]
  head_dim: [32]
  mlp_ratio: [4]
  exchange: [shuffle]
  region_size: {stages: [[1, 2, 4], [1, 2, 4], [1, 2], null]}
"""


def test_a_study_without_scores_has_the_spread_of_the_designs(small):
    specs = small.draw(12)
    seen = of_scored(small, [ScoredDesign(spec, 1, 10**9 + i, float(i % 3)) for i, spec in enumerate(specs)])
    spread = spread_of(StudyRecord("none", StudyConfig(space="msg", accuracy="proxy"), []), seen)
    assert spread.others is None and spread.value == spread.designs > 0


class Seeing:
    """A proxy that adds up what it sees of the first stage."""

    worst = None

    def __init__(self, weights):
        self.weights = weights

    def describe(self):
        return {"name": "seeing", "weights": self.weights}

    def score(self, spec, seed, on_step=None):
        values = {name: getattr(spec.stages[0], name, 0.0) for name in self.weights}
        return Score(sum(weight * values[name] for name, weight in self.weights.items()), 0.0)


def found(space, weights):
    scorer = Scorer(Seeing(weights), 0, 1)
    seen = of_scored(space, scorer.score_all([(space, spec) for spec in space.draw(200)]))
    spread = Spread.of(seen)
    return AxisFindings.of("small", "seeing", seen, "", spread, changes(space, scorer, seen))


@pytest.mark.parametrize("blind", [set(some) for n in range(3) for some in combinations(AXES, n)])
def test_what_a_proxy_cannot_see_is_said_and_never_resolved(small, blind):
    weights = {name: 1e-7 if name in blind else {"dim": 0.1, "depth": 1.0, "mlp_ratio": 1.0}[name] for name in AXES}
    findings = found(small, weights)
    assert set(findings.unseen) == blind
    rows = {row["axis"]: row for row in findings.to_json()["axes"]}
    assert all(rows[name]["seen"] is (name not in blind) for name in AXES)
    assert not any(rows[name]["resolved"] for name in blind)
    assert all(rows[name]["change"] <= 1e-5 for name in blind)
    assert ("cannot see" in findings.note) == bool(blind)
    json.dumps(findings.to_json())


def test_the_spread_is_stated(small):
    findings = found(small, {"depth": 1.0})
    said = findings.to_json()
    assert said["matters"] == MATTERS * said["spread"] > 0
    assert f"{100 * MATTERS:g} % of the proxy's spread" in findings.note


def test_a_space_that_hardly_varies_is_held_against_published_networks(tmp_path, small):
    """As shuffle regions under a score that counts their few tokens: all of the space's variance is theirs."""
    (tmp_path / "regions.yaml").write_text(REGIONS)
    space = load_space(str(tmp_path / "regions.yaml"))
    scorer = Scorer(Seeing({"region_size": 6.5e-5, "dim": 0.01}), 0, 1)
    seen = of_scored(space, scorer.score_all([(space, spec) for spec in space.draw(200)]))
    macs, scores = published_scores(scorer, seen)
    assert len(macs) == len(scores) > 8 and np.all(macs > 0)
    spread = Spread.of(seen, macs, scores)
    assert spread.designs < SEEN * spread.value and "published networks" in str(spread)
    findings = AxisFindings.of("regions", "seeing", seen, "", spread, changes(space, scorer, seen))
    assert set(findings.unseen) == {f"region_size.{stage}" for stage in (1, 2, 3)}
    assert not findings.table["resolved"].any() and not findings.table["fanova"].any()
    alone = AxisFindings.of("regions", "seeing", seen, "")
    assert alone.table["resolved"].any()  # what it would be without
