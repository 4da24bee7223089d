import importlib.util

import pytest

from vitspace.errors import InputError
from vitspace.searching.engines import ENGINES, check_engine, run_engine
from vitspace.study.config import StudyConfig


def test_the_engines_are_the_files():
    assert set(ENGINES) == {"optuna", "ray", "nni", "submitit"}
    assert set(ENGINES) == set(StudyConfig.model_fields["engine"].annotation.__args__)


def test_an_engine_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"engine 'ray' needs: pip install 'vitspace\[ray\]'"):
        check_engine(StudyConfig.of({"space": "msg", "engine": "ray"}))


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="an engine is one of nni, optuna, ray, submitit, but got 'spark'"):
        run_engine(None, "spark")


@pytest.mark.parametrize(
    ("engine", "sampler", "message"),
    [
        ("nni", "gp", "sampler of engine nni is one of tpe, evolution, random, but got 'gp'"),
        ("ray", "evolution", "sampler evolution is engine nni's, but got engine 'ray'"),
    ],
)
def test_an_engine_has_its_samplers(engine, sampler, message):
    with pytest.raises(InputError, match=message):
        StudyConfig.of({"space": "msg", "engine": engine, "sampler": sampler})
