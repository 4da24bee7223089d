"""What is shipped of the parts of our families."""

import json
import random

import pytest

from vitspace.costs import parts
from vitspace.costs.remembering import read_shipped, write_shipped
from vitspace.families import FAMILIES
from vitspace.sources import sources_of
from vitspace.spec import parse_part

CURE = "the counts are stale: run python -m vitspace.space.shipping"


def module(family):
    return f"vitspace.families.{family}"


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_shipped_was_counted_by_this_code(family):
    assert read_shipped(parts.COUNTED, module(family), parts.__name__), CURE


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_shipped_is_what_is_counted_now(family, monkeypatch):
    found = read_shipped(parts.COUNTED, module(family), parts.__name__)
    again = []
    monkeypatch.setattr(parts, "remembered", lambda part, context, find: again.append(find()) or again[-1])
    stages = sorted(key for key in found if json.loads(key)[0] == "stage")
    for key in random.Random(0).sample(stages, 3):
        _, values, (_, carry, shape, carry_shape, stride) = json.loads(key)
        carry = carry and parts.Carry(**carry)
        handed = parts.Handed(tuple(shape), carry, carry_shape and tuple(carry_shape), stride)
        parts._count_probe.__wrapped__(parse_part("stage", values, "stage"), handed)
        assert json.loads(json.dumps(again[-1])) == found[key]


def test_what_other_code_counted_is_not_read(tmp_path):
    path = write_shipped(tmp_path, module("msg"), parts.__name__, {"a": {"n": 1}})
    assert read_shipped(tmp_path, module("msg"), parts.__name__) == {"a": {"n": 1}}
    first = path.read_bytes()
    assert write_shipped(tmp_path, module("msg"), parts.__name__, {"a": {"n": 1}}).read_bytes() == first
    assert read_shipped(tmp_path, module("msg"), "vitspace.latency.work") == {}
    assert sources_of(parts.__name__, module("msg")) != sources_of("vitspace.latency.work", module("msg"))


def test_a_family_of_another_package_is_counted(tmp_path):
    assert read_shipped(tmp_path, "theirs.family", parts.__name__) == {}
