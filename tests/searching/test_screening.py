import dataclasses

import numpy as np
import pytest

from vitspace.accuracy.prediction import predict_top1, summed
from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.searching import screening
from vitspace.searching.estimated import EstimatedDesigns, Estimator
from vitspace.searching.screening import one_of_equals, screen_space
from vitspace.space import load_sizes, load_space

LIMITS = Budget.parse("1G")


class Odd:
    """Predicts milliseconds that do not follow FLOPs."""

    error = 0.1

    def predict(self, counted, families):
        return 1.0 + counted[:, 1] % 97


@pytest.fixture(scope="module", params=["mat", "hybrid"])
def searched(request):
    return load_space(request.param)


def screened(space, seed=0, latency=None, known=()):
    return screen_space(space, LIMITS, Estimator(space.population, lambda size: latency), seed, list(known))


def best(found):
    return found.best.low[found.best.inside].max()


def test_as_many_designs_as_asked_for_are_estimated_and_all_that_are_kept_fit(searched, monkeypatch):
    monkeypatch.setattr(screening, "LEAST", 2000)
    found, told = screened(searched), []
    assert found.designs >= 2000
    rows = {row.tobytes() for row in found.best.rows}
    assert len(rows) == len(found.best) and (found.best.macs <= 1e9).all()
    screen_space(searched, LIMITS, Estimator(searched.population), 0, [], lambda *how: told.append(how))
    assert told[-1] == (2000, 2000)


def test_a_seed_finds_the_same_designs_and_another_seed_others(searched):
    one, again, other = (screened(searched, seed) for seed in (0, 0, 1))
    assert np.array_equal(one.best.rows, again.best.rows) and np.array_equal(one.cloud, again.cloud)
    assert not np.array_equal(one.best.rows, other.best.rows)


def test_evolution_finds_better_designs_than_uniform_draws(searched, monkeypatch):
    monkeypatch.setattr(screening, "LEAST", 1)
    drawn = screened(searched)
    monkeypatch.setattr(screening, "LEAST", 3000)
    evolved = screened(searched)
    assert best(evolved) > best(drawn)


def test_what_is_kept_is_estimated_as_one_design_alone_is(searched):
    found = screened(searched).best
    specs = [searched.decode(searched.population.params(row)) for row in found.rows[::40]]
    assert [cost(spec).macs for spec in specs] == found.macs[::40].tolist()
    assert np.allclose([each.mean for each in summed(specs)], found.mean[::40], atol=0.03)


def test_the_best_of_every_range_of_milliseconds_is_kept_where_they_are_predicted(searched, monkeypatch):
    monkeypatch.setattr(screening, "LEAST", 3000)
    found, without = screened(searched, latency=Odd()).best, screened(searched).best
    assert np.isnan(without.ms).all()
    assert np.array_equal(found.ms, 1.0 + found.macs % 97)
    assert len(found) > len(without)


def test_a_space_of_few_designs_is_screened_whole(tmp_path):
    path = tmp_path / "few.yaml"
    path.write_text(
        "family: mat\nresolution: 224\naxes: {dim: {values: [16, 24], scale: [1, 2, 4, 8]}, depth: [1, 2]}\n"
    )
    few = load_space(str(path))
    found = screen_space(few, Budget(), Estimator(few.population), 0, [])
    assert found.designs == few.size()


def test_designs_of_several_sizes_are_estimated_each_at_its_own():
    class Side:
        error = 0.1

        def __init__(self, img_size):
            self.side = float(np.mean(img_size))

        def predict(self, counted, families):
            return np.full(len(counted), self.side)

    space = load_sizes("mat", [224, (64, 96)])
    population = space.population
    rows = population.random(60, np.random.default_rng(0))
    rows = rows[population.costs(rows).valid]
    found = Estimator(population, Side)(rows)
    specs = [space.decode(population.params(row)) for row in rows]
    assert np.array_equal(found.rows, rows)
    assert found.ms.tolist() == [float(np.mean(spec.img_size)) for spec in specs]
    assert found.macs.tolist() == [cost(spec.plain, spec.img_size).macs for spec in specs]
    alone = [each.mean for each in summed(specs[:30])]
    assert found.mean[:30] == pytest.approx(alone, abs=0.3)
    assert predict_top1(specs[0].plain, specs[0].img_size).mean == pytest.approx(alone[0])


def test_of_equal_designs_the_fastest_and_then_the_most_like_a_published_one_is_kept():
    rows = np.array([[0, 1], [2, 2], [1, 1], [0, 0]], dtype=np.int16)
    macs, mean = np.array([5, 5, 5, 6]), np.array([80.0, 80.0001, 80.0, 80.0])
    found = EstimatedDesigns(rows, macs, mean, np.ones(4), np.ones(4, dtype=bool), np.array([2.0, 2.0, 2.0, 1.0]))
    published = np.array([[1, 1]], dtype=np.int16)
    assert one_of_equals(found, published).rows.tolist() == [[1, 1], [0, 0]]
    faster = dataclasses.replace(found, ms=np.array([2.0, 1.0, 2.0, 1.0]))
    assert one_of_equals(faster, published).rows.tolist() == [[2, 2], [0, 0]]
