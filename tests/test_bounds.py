import json

import pytest

from vitspace.anchors import all_anchors
from vitspace.bounds import check_size, most_of
from vitspace.errors import InputError
from vitspace.spec import Spec

INF, NAN = float("inf"), float("nan")
SPEC = all_anchors()["msg_tiny"].spec.to_dict()


@pytest.mark.parametrize("value", [257, -257, 10**30, INF, -INF, NAN, [1, 300], [[1e9]], [0] * 65])
def test_what_no_network_can_be_made_of_is_refused(value):
    with pytest.raises(InputError, match=r"heads (is finite|is at most 256|has at most 64 values)"):
        check_size("heads", value, most_of("heads"))


@pytest.mark.parametrize("value", [0, 256, 0.5, True, None, "text", {"a": 1}, [1, 2.5, "x"]])
def test_anything_else_passes(value):
    check_size("heads", value, most_of("heads"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dim": 10**9}, "stage 1: dim is at most 16384"),
        ({"depth": 10**6}, "stage 1: depth is at most 256"),
        ({"window": 10**4}, "stage 1: window is at most 64"),
        ({"mlp_ratio": 1e300}, "stage 1: mlp_ratio is at most 256"),
        ({"family": ""}, "a family is one of"),
        ({"family": ["msg"]}, "stage 1: a part is a mapping with a family"),
        ({"x" * 5000: 1}, "stage 1: unknown key"),
        ({"dim": [[[[1]]]]}, "stage 1: dim"),
    ],
)
def test_a_spec_beyond_reason_is_one_short_error(change, words):
    stages = [SPEC["stages"][0] | change, *SPEC["stages"][1:]]
    with pytest.raises(InputError) as raised:
        Spec.from_json(json.dumps(SPEC | {"stages": stages}))
    assert words in str(raised.value) and len(str(raised.value)) < 600


def test_a_spec_of_too_many_stages_is_refused():
    with pytest.raises(InputError, match="at most 16 stages, but got 40"):
        Spec.from_dict(SPEC | {"stages": SPEC["stages"] * 10})


def test_published_designs_are_within():
    for row in all_anchors().values():
        if row.spec:
            assert Spec.from_json(row.spec.to_json()) == row.spec
