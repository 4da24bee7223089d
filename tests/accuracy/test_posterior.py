import numpy as np
import pytest

from vitspace import anchor, predict_top1
from vitspace.accuracy.evidence import Evidence, Reading
from vitspace.accuracy.posterior import PUBLISHED_SD, posterior
from vitspace.accuracy.table import published
from vitspace.anchors.references import timm_peers

SPEC = anchor("msg_tiny").spec
NONE = Evidence("none", 0.0, 22, 0, 6)
#: A score from 0 to 1, whatever the size.
SOME = Evidence("some", 0.36, 38, 50, 13, slope=-0.5, reading=Reading((0.0, 1.0), (-2.0, 2.0), (0.0, 0.0, 0.0), 1.0))


@pytest.mark.parametrize(("evidence", "score"), [(None, None), (None, 3.0), (NONE, 3.0), (SOME, None)])
def test_without_evidence_it_is_the_prediction(evidence, score):
    found, prior = posterior(SPEC, evidence, score), predict_top1(SPEC)
    assert (found.mean, found.sd, found.low90, found.high90) == (prior.mean, prior.sd, prior.low90, prior.high90)
    assert (found.prior, found.prior_sd, found.shift) == (prior.mean, prior.sd, 0)
    assert (found.inside, list(found.nearest), found.published) == (prior.inside, prior.nearest, None)


def test_a_good_score_moves_it_up_and_narrows_it():
    prior, found = predict_top1(SPEC), posterior(SPEC, SOME, 1.0)
    assert found.mean > prior.mean and found.shift == pytest.approx(found.mean - prior.mean)
    assert found.shift == pytest.approx(0.5 * 2 * prior.sd, rel=0.1)
    assert found.high90 - found.low90 == pytest.approx(0.8 * (prior.high90 - prior.low90), rel=0.1)
    assert posterior(SPEC, SOME, 0.0).shift < 0


def test_no_score_moves_it_further_than_known_ones_do():
    assert posterior(SPEC, SOME, 1e9) == posterior(SPEC, SOME, 1.0)


def test_a_middling_score_narrows_it_alone():
    found = posterior(SPEC, SOME, 0.5)
    assert found.shift == pytest.approx(0, abs=1e-9) and found.sd < found.prior_sd


def test_a_published_network_stands_at_its_top1_beside_the_prediction_without_its_row():
    found = posterior(SPEC, SOME, 1.0, published=82.4)
    assert (found.mean, found.sd, found.published, found.shift) == (82.4, PUBLISHED_SD, 82.4, 0)
    assert found.low90 < 82.4 < found.high90
    assert abs(found.prior - 82.4) > abs(predict_top1(SPEC).mean - 82.4)
    assert found.prior_sd > predict_top1(SPEC).sd


def test_a_network_that_the_table_lacks_keeps_its_prediction_beside_what_is_published():
    spec = anchor("msg_t_abl_none").spec
    assert posterior(spec, published=80.2).prior == predict_top1(spec).mean


def test_papers_and_timm_differ_by_less_than_the_sd_of_published_results():
    papers = {name: row.published["top1"] for name, row in timm_peers().items()}
    usual = [row for row in published() if row.recipe == "deit300" and row.name.partition(".")[0] in papers]
    gaps = np.array([row.top1 - papers[row.name.partition(".")[0]] for row in usual if row.public])
    assert len(gaps) == 16 and np.sqrt((gaps**2).mean()) == pytest.approx(0.12, abs=0.01)
    assert np.hypot(0.12, 0.15) == pytest.approx(PUBLISHED_SD, abs=0.01)
