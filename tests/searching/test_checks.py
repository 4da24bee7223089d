import pytest

from vitspace.errors import InputError
from vitspace.machine.resources import usable_cores
from vitspace.searching.checks import WORKERS_A_CORE, check_workers


def test_more_workers_than_a_machine_bears_are_refused():
    most = WORKERS_A_CORE * usable_cores()
    check_workers(most)
    with pytest.raises(InputError, match=f"workers are at most {most}, 4 for each core .*, but got {most + 1}"):
        check_workers(most + 1)
