import importlib.util
import sys

import pytest
from forks import FORKS

from vitspace.errors import InputError
from vitspace.searching.checks import check_runs
from vitspace.searching.engines import ENGINES, check_engine, engine_of, engines_that, run_engine
from vitspace.study.config import StudyConfig


def test_the_engines_are_the_files():
    assert set(ENGINES) == {"optuna", "ray", "nni", "submitit"}
    assert engines_that("in_process") == ["optuna"] and engines_that("gpus") == ["ray", "submitit"]


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
        ("optuna", "best", "sampler of engine optuna is one of pareto, tpe, .*, random, but got 'best'"),
        ("ray", "evolution", "sampler evolution is engine nni's, but got engine 'ray'"),
    ],
)
def test_an_engine_has_its_samplers(engine, sampler, message):
    with pytest.raises(InputError, match=message):
        check_runs({}, StudyConfig.of({"space": "msg", "engine": engine, "sampler": sampler}), None)


@pytest.mark.parametrize(("engine", "sampler"), [("nni", "tpe"), ("optuna", "pareto"), ("ray", "pareto")])
def test_an_engine_has_a_default_sampler(engine, sampler):
    assert engine_of(engine).samplers[0] == sampler


def ask_all_engines():
    """End with 1 where the package of an engine is loaded; Optuna is a dependency."""
    list(map(engine_of, ENGINES))
    sys.exit(bool({"nni", "ray", "submitit"} & set(sys.modules)))


def test_what_an_engine_can_do_is_known_without_its_package():
    process = FORKS.Process(target=ask_all_engines)
    process.start()
    process.join()
    assert process.exitcode == 0
