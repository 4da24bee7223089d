"""Specs: equal networks are equal specs, JSON brings them back, and errors name the rule and the values."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vitspace.families  # noqa: F401  (registers the families)
from vitspace.anchors import all_anchors, anchor, assemble
from vitspace.errors import InputError
from vitspace.families import msg
from vitspace.spec import Carry, Spec, parse_part, part_type

SPECS = {name: row.spec for name, row in all_anchors().items() if row.family == "msg"}


def stage(**values):
    return {"dim": 64, "depth": 2} | values


@st.composite
def msg_specs(draw):
    """Any MSG network of one to four stages."""
    dim, each = draw(st.sampled_from([32, 64])), st.integers(1, 4)
    stages = []
    for i in range(draw(each)):
        stages.append(
            msg.Stage(
                dim=dim * 2**i,
                depth=draw(each),
                downsample=draw(st.sampled_from(["overlapped", "concat"])),
                head_dim=draw(st.sampled_from([16, 32])),
                window=draw(st.sampled_from([4, 7])),
                region_size=draw(st.sampled_from([1, 2, 4])),
                exchange=draw(st.sampled_from(["shuffle", "none", "no_token"])),
                token_init=draw(st.sampled_from(["learned", "random"])),
                mlp_ratio=draw(each),
            )
        )
    return Spec(msg.Stem(draw(st.sampled_from(["overlapped", "plain"]))), tuple(stages), msg.Head())


@given(msg_specs())
@settings(max_examples=50, deadline=None)
def test_json_brings_a_spec_back(spec):
    again = Spec.from_json(spec.to_json())
    assert again == spec
    assert (again.id, hash(again), again.carries) == (spec.id, hash(spec), spec.carries)


@given(msg_specs())
@settings(max_examples=50, deadline=None)
def test_a_spec_is_its_own_canonical_form(spec):
    assert Spec(spec.stem, spec.stages, spec.head).stages == spec.stages
    assert spec.rescaled(1.0) == spec


@given(msg_specs(), msg_specs())
@settings(max_examples=50, deadline=None)
def test_ids_tell_specs_apart(one, other):
    assert (one.id == other.id) == (one == other)


@pytest.mark.parametrize("name", SPECS)
def test_anchors_come_back_from_json(name):
    assert Spec.from_json(SPECS[name].to_json()) == SPECS[name]


def test_ids_are_stable():
    assert {name: SPECS[name].id for name in ("msg_tiny", "msg_small", "msg_base")} == {
        "msg_tiny": "312853f5a4d0",
        "msg_small": "5864f5b3bcb1",
        "msg_base": "9dda9d3050ad",
    }


def test_a_field_at_its_default_is_no_part_of_the_id():
    spelled = assemble("msg", stage(dim=[64, 128], mlp_ratio=4, window=7, exchange="shuffle"))
    assert spelled.id == assemble("msg", stage(dim=[64, 128])).id


def test_the_first_stage_has_no_downsampling():
    spec = assemble("msg", stage(dim=[64, 128], downsample="concat"))
    assert [s.downsample for s in spec.stages] == ["none", "concat"]
    assert [s.stride for s in spec.stages] == [1, 2]


def test_a_spec_knows_its_dims_depth_and_family():
    spec = anchor("msg_tiny").spec
    assert (spec.in_dims, spec.depth, spec.family) == ((64, 64, 128, 256, 512), 22, "msg")


def test_carries_are_what_each_stage_hands_on():
    spec = assemble("msg", stage(dim=[64, 128, 256], exchange=["shuffle", "no_token", "shuffle"], window=[7, 7, 4]))
    assert spec.carries == (None, Carry("msg", 64, 7), None, Carry("msg", 256, 4))


def test_specs_are_frozen_and_hashable():
    spec = anchor("msg_tiny").spec
    assert {spec: 1}[Spec.from_json(spec.to_json())] == 1
    with pytest.raises(AttributeError):
        spec.stem = None
    with pytest.raises(AttributeError):
        spec.stages[0].dim = 1


def changed(path, value):
    """MSG-T's data with one place changed; a value of None removes the key."""
    data = anchor("msg_tiny").spec.to_dict()
    *way, last = path
    place = data
    for key in way:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "a spec is JSON, but line 1 is not"),
        ("[]", "a spec has the keys stem, stages and head, but got list"),
        (changed(["head"], None), r"stem, stages and head, but got \['stages', 'stem'\]"),
        (changed(["tail"], 1), "stem, stages and head, but got"),
        (changed(["stages"], []), "at least one stage"),
        (changed(["stages"], 3), "stages are a list, but got 3"),
        (changed(["stages", 1], 3), "stage 2: a part is a mapping with a family, but got 3"),
        (changed(["stages", 1, "family"], None), "stage 2: a part is a mapping with a family"),
        (changed(["stages", 1, "family"], "resnet"), "a family is one of .*msg.*, but got 'resnet'"),
        (changed(["stages", 1, "widow"], 7), "stage 2: unknown key 'widow'; known keys: dim, depth, .*window"),
        (changed(["stages", 1, "dim"], None), "stage 2: key 'dim' is missing; known keys: dim"),
        (changed(["stages", 1, "dim"], "wide"), "stage 2: dim is a whole number, but got 'wide'"),
        (changed(["stages", 1, "dim"], 96.5), "stage 2: dim is a whole number, but got 96.5"),
        (changed(["stages", 1, "exchange"], "swap"), "stage 2: exchange is .*, but got 'swap'"),
        (changed(["stages", 1, "depth"], 0), "stage 2: depth is at least 1, but got depth=0"),
        (changed(["stages", 2, "head_dim"], 48), "stage 3: head_dim must divide dim, but got head_dim=48, dim=256"),
        (changed(["stem", "patch"], "round"), "stem: patch is overlapped or plain, but got 'round'"),
    ],
)
def test_what_is_no_spec_is_refused_by_rule_and_value(text, rule):
    with pytest.raises(InputError, match=rule):
        Spec.from_json(text)


def test_lists_of_settings_have_one_length():
    with pytest.raises(InputError, match=r"one value a stage, but their lengths are \[2, 3\]"):
        assemble("msg", {"dim": [64, 128], "depth": [1, 2, 3]})


def test_an_unknown_family_is_named():
    with pytest.raises(InputError, match=r"a family is one of .*, but got 'vit'"):
        part_type("stage", "vit")
    with pytest.raises(InputError, match="but got 'vit'"):
        parse_part("stem", {"family": "vit"}, "stem")
