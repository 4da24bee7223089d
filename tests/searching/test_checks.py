import pytest

from vitspace.errors import InputError
from vitspace.machine.resources import usable_cores
from vitspace.searching.checks import WORKERS_A_CORE, check_runs, check_workers
from vitspace.study.config import StudyConfig


def test_more_workers_than_a_machine_bears_are_refused():
    most = WORKERS_A_CORE * usable_cores()
    check_workers(most)
    with pytest.raises(InputError, match=f"workers are at most {most}, 4 for each core .*, but got {most + 1}"):
        check_workers(most + 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workers": 0}, "workers are at least 1 with engine 'ray'; 0, which evaluates in the search's own process"),
        ({"workers": None, "threads": 2}, "threads are set for engine 'optuna', but got engine 'ray'"),
    ],
)
def test_what_only_one_engine_does_is_refused_elsewhere(given, message):
    with pytest.raises(InputError, match=message):
        check_runs({}, StudyConfig(accuracy="proxy", space="msg", engine="ray"), **given)
