import pytest

import vitspace
from vitspace.errors import InputError
from vitspace.fidelity.estimate import estimate, left_out_errors


def test_an_estimate_is_near_and_says_what_it_is():
    found = estimate(vitspace.anchor("mat_3").spec)
    assert found.low < found.top1 < found.high
    assert abs(found.top1 - 80.2) < 2
    assert "not a result" in str(found) and "90 % interval" in str(found)


def test_errors_are_of_families_left_out():
    errors = left_out_errors()
    assert len(errors) == 22
    assert 0.5 < sum(map(abs, errors)) / 22 < 2


def test_it_grows_with_the_score():
    small, large = (estimate(vitspace.anchor(name).spec).top1 for name in ("emsnet_xtiny", "msg_small"))
    assert small < large


def test_outside_the_anchors_it_is_refused():
    spec = vitspace.load_space("msg").smallest
    with pytest.raises(InputError, match="an estimate stays inside the published designs, params"):
        estimate(spec)
