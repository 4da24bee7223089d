from dataclasses import replace

import numpy as np
import pytest

from vitspace.accuracy.evidence import FEWEST, REACH, Reading
from vitspace.accuracy.learning import ALONE, KnownScores, learn
from vitspace.statistics import kendall

FAMILIES = 13
ABLATED = 6


def made(seed, score=None):
    """Networks of 13 families, three of each, and 8 ablations of each of six, of another recipe.

    Their scores are noise, or ``score`` of what is missed but for the recipe's part, of sizes and of noise.
    """
    rng = np.random.default_rng(seed)
    families = np.array([f"family {i}" for i in (*np.repeat(range(FAMILIES), 3), *np.repeat(range(ABLATED), 8))])
    groups = np.array([ALONE] * 3 * FAMILIES + list(np.repeat(range(1, ABLATED + 1), 8)))
    alone = groups == ALONE
    offsets = rng.normal(size=FAMILIES)[[int(name.split()[1]) for name in families]]
    misses = 0.6 * offsets + 0.6 * rng.normal(size=len(groups))
    sizes = np.stack([rng.uniform(6.5, 8, len(groups)), rng.uniform(8.5, 10.2, len(groups))], axis=1)
    scores = rng.normal(size=len(groups)) if score is None else score(misses, sizes, rng.normal(size=len(groups)))
    return KnownScores(scores, sizes, misses + np.where(alone, 0, 2.0), families, groups)


def test_noise_weighs_next_to_nothing():
    weights = [learn("noise", made(seed)).weight for seed in range(100)]
    assert sum(weight <= 0.02 for weight in weights) >= 95
    assert max(weights) < 0.2


def test_size_alone_weighs_next_to_nothing():
    weights = [learn("size", made(seed, lambda misses, sizes, noise: sizes.sum(axis=1))).weight for seed in range(20)]
    assert sum(weight <= 0.02 for weight in weights) >= 19


def test_a_score_that_tells_weighs_much():
    weights = [learn("told", made(seed, lambda misses, sizes, noise: -misses)).weight for seed in range(20)]
    assert min(weights) > 0.5
    noisy = [learn("told", made(seed, lambda m, sizes, noise: -m + 0.6 * noise)).weight for seed in range(20)]
    assert np.median(noisy) > 0.25 and max(noisy) < min(weights) + 0.3


def test_a_score_that_says_the_contrary_weighs_nothing():
    found = learn("contrary", made(0, lambda misses, sizes, noise: misses))
    assert (found.weight, found.slope) == (0, 0)
    assert "weighs 0 %" in found.words() and "stay as predicted" in found.words()


def test_what_a_group_shares_does_not_count():
    known = made(1, lambda misses, sizes, noise: -misses + 0.6 * noise)
    shifted = replace(known, misses=known.misses + 7 * (known.groups == 2))
    assert learn("told", shifted).weight == pytest.approx(learn("told", known).weight)


def test_a_score_of_few_networks_weighs_nothing_and_says_why():
    known = made(0, lambda misses, sizes, noise: -misses)
    few = known.at((known.groups != ALONE) | (np.arange(len(known.groups)) < FEWEST - 1))
    found = learn("few", few)
    assert found.weight == 0 and found.reading is None and found.remainder(1.0, 2e7, 4e9) == 0
    assert "its committed scores are of 9 published networks and 48 ablations of 6 families" in found.words()
    assert learn("none", known.at(known.groups < 0)).weight == 0


def test_a_remainder_is_a_place_less_that_of_the_size():
    known = made(0, lambda misses, sizes, noise: np.exp(3 * sizes[:, 0] + noise)).alone
    reading = Reading.of(known.scores, known.sizes)
    rest = reading.remainders(known.scores, known.sizes)
    assert abs(np.corrcoef(rest, known.sizes[:, 0])[0, 1]) < 0.1 and rest.std() == pytest.approx(1, abs=0.15)
    size = known.sizes[:1]
    higher = reading.remainders(np.sort(known.scores), np.repeat(size, len(known.scores), axis=0))
    assert kendall(higher, np.sort(known.scores))[0] > 0.9 and np.abs(higher).max() <= REACH


def test_a_constant_score_says_nothing():
    known = made(0, lambda misses, sizes, noise: np.ones(len(misses)))
    assert learn("constant", known).weight == 0
    assert not known.reading.remainders(known.scores, known.sizes).any()


def test_words_tell_the_weight_and_what_it_rests_on():
    found = learn("told", made(0, lambda misses, sizes, noise: -misses))
    assert f"told weighs {100 * found.weight:.0f} %: of families left out it explains" in found.words()
    assert found.weight == found.share_ci[0] < found.share < found.share_ci[1]
    assert "39 published networks and 48 ablations of 13 families" in found.words()
