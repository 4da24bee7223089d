import numpy as np

from vitspace.accuracy.prediction import summed
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.screen import screen
from vitspace.costs import cost
from vitspace.space import load_space
from vitspace.space.population import Population


def test_a_population_is_counted_and_predicted_as_its_designs_are():
    space = load_space("msg")
    specs = space.draw(20, seed=3)
    population = Population(space)
    rows = population.array(specs)
    valid, counted = population.counted(rows)
    assert valid.all() and (counted == [cost(spec).numbers for spec in specs]).all()
    assert list(population.families(rows)) == ["msg"] * 20
    found = screen(counted, np.full(20, predictor().family("msg")))
    alone = summed(specs)
    np.testing.assert_allclose(found.mean, [each.mean for each in alone], atol=0.05)
    np.testing.assert_allclose(found.sd, [each.sd for each in alone], rtol=0.1)
    assert list(found.inside) == [each.inside for each in alone]


def test_no_design_is_no_estimate():
    assert len(screen(np.zeros((0, 23), dtype=np.int64), np.zeros(0, dtype=np.int64)).mean) == 0
