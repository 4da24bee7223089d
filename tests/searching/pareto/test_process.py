import numpy as np
import pytest
from scipy.stats import spearmanr

from vitspace.searching.pareto.encoding import Encoding
from vitspace.searching.pareto.model import KNOWN, _kept
from vitspace.searching.pareto.process import AdditiveGP, fit_weights, scaling
from vitspace.space.population import Population


@pytest.fixture(scope="module")
def features(small):
    population = Population(small)
    rows = population.array(sorted(small.draw(small.size()), key=lambda spec: spec.id))
    return Encoding(population, rows)(rows, population.costs(rows))


def fitted(features, values):
    centre, scale = scaling(values)
    return AdditiveGP.of(features, values, fit_weights(features, (values - centre) / scale))


def test_it_learns_an_effect_from_a_few_designs(features):
    values = features.settings @ np.linspace(-1, 1, features.settings.shape[1]) + 0.3 * features.costs[:, 0]
    known, new = np.arange(0, 48, 2), np.arange(1, 48, 2)
    assert spearmanr(fitted(features[known], values[known]).mean(features[new]), values[new]).statistic > 0.95


def test_it_is_sure_of_what_it_knows_and_less_of_the_rest(features):
    values = np.sin(3 * features.costs[:, 1])
    known = np.arange(0, 48, 4)
    process = fitted(features[known], values[known])
    mean, std = process.predict(features)
    others = np.setdiff1d(np.arange(48), known)
    assert mean[known] == pytest.approx(values[known], abs=0.2)
    assert std[known].mean() < 0.5 * std[others].mean()


def test_what_is_believed_is_no_longer_open(features):
    process = fitted(features[np.arange(10)], np.sin(features.costs[:10, 1]))
    open_ = features[np.arange(30, 32)]
    mean, std = process.predict(open_)
    after, left = process.believing(open_, mean).predict(open_)
    assert after == pytest.approx(mean, abs=1e-3) and (left < 0.7 * std).all()


def test_equal_values_are_predicted_as_they_are(features):
    mean, std = fitted(features[np.arange(8)], np.full(8, 2.5)).predict(features)
    assert mean == pytest.approx(2.5) and np.isfinite(std).all()


def test_products_of_settings_say_how_alike_designs_are(features):
    alike = features.settings @ features.settings.T
    assert np.allclose(alike, alike.T) and alike.max() <= 1 + 1e-6
    assert (alike.argmax(axis=1) == np.arange(48)).mean() > 0.9


def test_a_long_study_is_learnt_from_by_its_newest_trials_and_an_even_share_of_the_others():
    assert _kept(KNOWN) == list(range(KNOWN))
    kept = _kept(10 * KNOWN)
    assert len(kept) == len(set(kept)) == KNOWN
    assert kept[0] == 0 and kept[KNOWN // 2 :] == list(range(10 * KNOWN - KNOWN // 2, 10 * KNOWN))
