from types import SimpleNamespace

import pytest
from optuna.trial import TrialState

from vitspace.searching.claims import CLAIM, Verdict, admit, places_left
from vitspace.searching.lease import BEATS


def trial(number, state=TrialState.RUNNING, claim=None, beats=None):
    return SimpleNamespace(number=number, state=state, system_attrs={CLAIM: claim, BEATS: beats})


DONE = trial(0, TrialState.COMPLETE, "done")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], Verdict("granted")),
        ([trial(4, claim="other")], Verdict("granted")),
        ([trial(4, claim="mine")], Verdict("duplicate", 4)),
        ([trial(6, claim="mine")], Verdict("wait")),
        ([trial(6, claim="mine", beats=[1, False])], Verdict("wait")),
        ([trial(6, claim="mine", beats=[1, True])], Verdict("duplicate", 6)),
        ([trial(6, TrialState.PRUNED, claim="mine")], Verdict("granted")),
    ],
)
def test_of_two_trials_of_one_design_one_is_granted(others, expected):
    assert admit(5, "mine", [DONE, trial(5, claim="mine"), *others], total=10) == expected


@pytest.mark.parametrize(
    ("others", "word"),
    [
        ([], "granted"),
        ([trial(4)], "surplus"),
        ([trial(6)], "wait"),
        ([trial(6, beats=[1, True])], "surplus"),
        ([trial(6, TrialState.COMPLETE)], "surplus"),
        ([trial(6, TrialState.FAIL)], "granted"),
    ],
)
def test_the_last_place_is_taken_once(others, word):
    assert admit(5, "mine", [DONE, trial(5, claim="mine"), *others], total=2).word == word


def test_what_runs_takes_a_place():
    assert places_left([DONE, trial(1), trial(2, TrialState.WAITING), trial(3, TrialState.FAIL)], 5) == 3
