from dataclasses import replace

import pytest

from vitspace.fidelity.folder import cells, points
from vitspace.fidelity.jobs import FidelityRequest
from vitspace.fidelity.posterior import posterior_card
from vitspace.fidelity.predicted import predictor_card
from vitspace.proxies.evidence import references

POINTS = (
    "mae",
    "coverage90",
    "siblings_mae",
    "siblings_tau",
    "public_mae",
    "public_tau_like_flops",
    "public_coverage90",
)


def knowing(counted, sign=1.0):
    """The table of counted scores with a proxy that knows what predictions miss."""
    model = counted[0]
    return [
        *counted,
        *(
            replace(model, proxy="train:tiny", spec=each.name, value=sign * (each.mean - each.log_error) / each.sd)
            for each in references()
        ),
    ]


def test_without_a_proxy_of_worth_it_is_the_prediction_and_says_so(counted):
    card, prior = posterior_card(counted, ("params",)), predictor_card(counted)
    assert card.proxy == "posterior" and card.weights == {"params": 0}
    assert [getattr(card, name) for name in POINTS] == [getattr(prior, name) for name in POINTS]
    assert (card.kendall_tau, card.pair_accuracy) == (prior.kendall_tau, prior.pair_accuracy)
    assert "none of 1 proxies does, so it is the prediction" in points(card)
    assert "evidence" not in points(prior)


def test_a_proxy_that_knows_what_is_missed_makes_it_better(counted):
    card, prior = posterior_card(knowing(counted), ()), predictor_card(counted)
    assert card.weights["train:tiny"] > 0.4 and card.weights["params"] == 0
    assert card.mae < 0.75 * prior.mae and card.kendall_tau > prior.kendall_tau
    assert card.pair_accuracy > prior.pair_accuracy and card.public_mae < prior.public_mae
    assert card.coverage90 > 0.85
    assert f"what weighs as evidence: train:tiny {card.weights['train:tiny']:.0%}" in points(card)


def test_a_proxy_that_says_the_contrary_changes_nothing(counted):
    card = posterior_card(knowing(counted, sign=-1.0), ("train:tiny",))
    assert card.weights == {"train:tiny": 0} and card.mae == pytest.approx(predictor_card(counted).mae)


def test_it_is_judged_by_name_beside_proxies_or_where_none_is_named():
    assert FidelityRequest().updates and FidelityRequest(("posterior", "params")).proxies == ("params",)
    assert not FidelityRequest(("params",)).updates and not FidelityRequest(("posterior",)).predicts
    assert cells(posterior_card_of_nothing())[0] == "posterior"


def posterior_card_of_nothing():
    return posterior_card([], ("params",))
