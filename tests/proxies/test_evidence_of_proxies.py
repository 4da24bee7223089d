import numpy as np
import pytest

from vitspace.accuracy.learning import ALONE, learn
from vitspace.proxies.evidence import evidence_of, known_of, references


def scores_of(values):
    """A proxy's scores of all references, by name."""
    return {each.name: float(value) for each, value in zip(references(), values, strict=True)}


def misses():
    return np.array([(each.log_error - each.mean) / each.sd for each in references()])


def test_references_are_the_anchors_peers_of_the_usual_recipe_and_ablations():
    found = references()
    alone = [each for each in found if each.group == ALONE]
    assert sum(each.name.startswith("timm:") for each in alone) == 16 and len(alone) == 38
    assert len({each.family for each in alone}) == 12
    assert len({each.name for each in found if each.group != ALONE}) == len(found) - 38 > 40


def test_ablations_of_one_baseline_share_a_number():
    families = {}
    for each in references():
        families.setdefault(each.group, set()).add(each.family)
    assert all(len(names) == 1 for group, names in families.items() if group != ALONE)
    assert sum("vt" in names for group, names in families.items() if group != ALONE) == 2  # VT-R18 and VT-R34


@pytest.mark.parametrize("by_family", [0.0, 2.0])
def test_random_scores_of_published_networks_weigh_next_to_nothing(by_family):
    rng = np.random.default_rng(0)
    families = np.unique([each.family for each in references()], return_inverse=True)[1]

    def drawn():
        return rng.normal(size=len(families)) + by_family * rng.normal(size=families.max() + 1)[families]

    weights = [learn("made", known_of(scores_of(drawn()), references())).weight for _ in range(40)]
    assert sum(weight <= 0.02 for weight in weights) >= 38


def test_what_predictions_miss_itself_weighs_much():
    rng = np.random.default_rng(0)
    noise = 0.3 * rng.normal(size=len(references()))
    assert learn("made", known_of(scores_of(noise - misses()), references())).weight > 0.4


def test_the_proxy_that_searches_use_weighs_nothing():
    found = evidence_of("train:tiny")
    assert (found.networks, found.families, found.weight) == (22, 6, 0)
    assert "train:tiny weighs 0 %" in found.words()


@pytest.mark.parametrize("proxy", ["train:medium,data=digits", "train:small,data=cifar10", "no such proxy"])
def test_a_proxy_without_committed_scores_of_anchors_weighs_nothing(proxy):
    found = evidence_of(proxy)
    assert found.weight == 0 and "at least 10 published networks" in found.words()


def test_a_combination_is_read_from_its_parts():
    assert evidence_of("rank").networks == 38
