"""Which axes a study's scores depend on, from what the study remembers of its space."""

import json
from dataclasses import replace

import pytest

from vitspace.costs import cost
from vitspace.report.importance import ENOUGH, axis_importance
from vitspace.searching.checks import describe_space
from vitspace.space import load_space, stored_space
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

SPACE = """
family: msg
axes:
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
  head_dim: [16]
  window: [4, 7]
  region_size: {each: [1, 2]}
  mlp_ratio: [1, 2]
rules:
  - ceil(side / window) % region_size == 0
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(SPACE)
    return str(file)


def study_of(space):
    """A study of trials scored by the MLP's width."""
    specs = space.draw(ENOUGH, seed=0)
    trials = [
        Trial(i, "complete", spec, params=1, macs=cost(spec, space.resolution).macs, score=spec.stages[0].mlp_ratio)
        for i, spec in enumerate(specs)
    ]
    resolved = json.loads(json.dumps({"space": describe_space(space)}))
    return StudyRecord("tiny", StudyConfig(space="tiny.yaml", accuracy="proxy"), trials, resolved=resolved)


@pytest.mark.parametrize("size", [None, 256, (192, 256)])
def test_the_axis_that_decides_leads_at_any_size(path, size):
    found = axis_importance(study_of(load_space(path, size)))
    assert not isinstance(found, str) and found[0][0] == "mlp_ratio" and found[0][1] > 0.5


@pytest.mark.parametrize("size", [None, 64, 256])
def test_a_study_remembers_the_space_of_its_file(path, size):
    space = load_space(path, size)
    again = stored_space("tiny", json.loads(json.dumps(describe_space(space))))
    assert (again.resolution, again.written.resolution) == (space.resolution, 224)
    assert again.variables == space.variables and again.written.values == space.written.values
    assert all(spec in again for spec in space.draw(5))


def test_what_is_no_space_is_said(path):
    record = study_of(load_space(path))
    assert "has no space stored" in axis_importance(replace(record, resolved={}))
    broken = {"space": record.resolved["space"] | {"axes": 3}}
    assert "the space of the study cannot be read: axes" in axis_importance(replace(record, resolved=broken))
