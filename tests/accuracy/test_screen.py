import dataclasses

import numpy as np
import pytest

from vitspace.accuracy.prediction import summed
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.screen import screen
from vitspace.costs import cost
from vitspace.costs.stages import StageCosts
from vitspace.space import load_space
from vitspace.space.population import Population


@pytest.mark.parametrize("name", ["msg", "vt", "hybrid"])
def test_a_population_is_counted_and_predicted_as_its_designs_are(name):
    space = load_space(name)
    specs = space.draw(40, "4G", seed=3)
    population = Population(space)
    rows = population.array(specs)
    valid, counted = population.counted(rows)
    assert valid.all() and (counted == [cost(spec).numbers for spec in specs]).all()
    families = population.families(rows)
    assert list(families) == [spec.family for spec in specs]
    found = screen(counted, np.array([predictor().family(str(one)) for one in families]), population.stages(rows))
    alone = summed(specs)
    np.testing.assert_allclose(found.mean, [each.mean for each in alone], atol=0.05)
    np.testing.assert_allclose(found.sd, [each.sd for each in alone], rtol=0.1)
    assert list(found.inside) == [each.inside for each in alone]


@pytest.mark.parametrize("name", ["msg", "hybrid"])
def test_the_stages_of_a_population_are_those_of_its_designs(name):
    space = load_space(name)
    specs = space.draw(20, seed=3)
    found = space.population.stages(space.population.array(specs))
    for i, spec in enumerate(specs):
        alone = StageCosts.of(spec)
        assert [found.names[at] for at in found.families[i]] == [alone.names[at] for at in alone.families[0]]
        for field in dataclasses.fields(StageCosts)[2:]:
            assert (getattr(found, field.name)[i] == getattr(alone, field.name)[0]).all()


def test_no_design_is_no_estimate():
    stages = StageCosts.zeros(("msg",), (0, 4))
    assert len(screen(np.zeros((0, 23), dtype=np.int64), np.zeros(0, dtype=np.int64), stages).mean) == 0
