"""Values that no design has, against all settings of small spaces."""

import itertools
import random

import pytest
import yaml

from vitspace.errors import InputError
from vitspace.space import Space, load_space
from vitspace.space.config import SpaceConfig
from vitspace.space.values import absent_values, with_value

CHOICES = {
    "dim": [32, 48, 64],
    "head_dim": [16, 32, 48],
    "window": [4, 7, 14],
    "exchange": ["shuffle", "no_token"],
    "token_init": ["learned", "random"],
}
RULES = ["dim < 60", "window != 14 or exchange == 'no_token'", "ceil(side / window) % region_size == 0", "stage < 9"]


def made(seed):
    """A space of few settings: axes of several values, and rules, at random."""
    pick = random.Random(seed)
    axes = {name: pick.sample(values, pick.randint(1, 2)) for name, values in CHOICES.items()}
    axes |= {"depth": [1], "mlp_ratio": [2], "region_size": {"each": pick.sample([1, 2, 4], 2)}}
    if pick.random() < 0.5:
        axes["token_init"] = {"values": axes["token_init"], "when": {"exchange": axes["exchange"][:1]}}
    return Space(
        f"made{seed}", SpaceConfig.model_validate({"family": "msg", "axes": axes, "rules": pick.sample(RULES, 2)})
    )


def everything(space):
    """All (axis, value) that stand in the designs that any settings make, where the axis is chosen."""
    seen = set()
    for values in itertools.product(*(v.values for v in space.variables)):
        chosen = dict(zip([v.name for v in space.variables], values, strict=True))
        try:
            spec = space.decode(space.choose(lambda v, chosen=chosen: chosen[v.name]))
        except InputError:
            continue
        params = space.encode(spec)
        for v in space.variables:
            stages = range(4) if v.stage is None else (v.stage,)
            if v.name in params and any(getattr(spec.stages[i], v.field) == params[v.name] for i in stages):
                seen.add((v.name, params[v.name]))
    return seen


@pytest.mark.parametrize("seed", range(12))
def test_absent_values_are_those_that_no_settings_give(seed):
    space = made(seed)
    try:
        space.size()
    except InputError as error:
        assert "has a valid design" in str(error)
        return
    known = everything(space)
    absent = {(f"{v.axis}.{v.stage}" if v.stage else v.axis, v.value): v.why for v in absent_values(space)}
    several = {v.name: v.values for v in space.variables if len(v.values) > 1}
    missing = {(name, value) for name, values in several.items() for value in values} - known
    assert {key for key in absent if key[0] in several} == missing
    assert all(why and "Traceback" not in why for why in absent.values())


def small(tmp_path, *rules, **axes):
    base = {"dim": [32], "depth": [1], "head_dim": [32], "mlp_ratio": [2], "window": [7]} | axes
    path = tmp_path / "small.yaml"
    rules = ["ceil(side / window) % region_size == 0", *rules]
    path.write_text(yaml.safe_dump({"family": "msg", "axes": base, "rules": rules}))
    return load_space(str(path))


STEMS = ["overlapped", "plain"]


@pytest.mark.parametrize("stems", [STEMS, STEMS[::-1]])
@pytest.mark.parametrize("wanted", STEMS)
def test_a_condition_on_the_stem_is_looked_up_where_the_stem_is(tmp_path, stems, wanted):
    axes = {"stem.patch": stems, "exchange": {"each": ["no_token", "shuffle"], "when": {"stem.patch": [wanted]}}}
    assert not absent_values(small(tmp_path, **axes))


@pytest.mark.parametrize("wanted", STEMS)
def test_what_is_refused_behind_the_stem_that_it_asks_for_is_named(tmp_path, wanted):
    axes = {"stem.patch": STEMS, "region_size": {"stages": [None, None, [1], [1, 4]], "when": {"stem.patch": [wanted]}}}
    [found] = absent_values(small(tmp_path, **axes))
    assert (found.axis, found.value, found.stage) == ("region_size", 4, 4)
    assert "ceil(side / window) % region_size == 0 must hold" in found.why


def test_the_conditions_of_a_condition_hold_too(tmp_path):
    axes = {
        "mlp_ratio": [2, 4],
        "exchange": {"values": ["shuffle", "no_token"], "when": {"mlp_ratio": [2]}},
        "region_size": {"values": [1, 2], "when": {"exchange": ["shuffle"]}},
    }
    found = absent_values(small(tmp_path, "exchange == 'no_token' or mlp_ratio == 4", **axes))
    assert [(each.axis, each.value) for each in found] == [
        ("exchange", "shuffle"),
        ("region_size", 1),
        ("region_size", 2),
    ]
    assert found[1].why == "its condition holds in none (exchange in shuffle)"


def test_the_rule_is_named(tmp_path):
    found = absent_values(small(tmp_path, dim=[32, 48]))
    assert [str(each) for each in found] == [
        "no design has dim 48: stage 1: head_dim must divide dim, but got head_dim=32, dim=48"
    ]


def test_a_stage_of_one_window_has_no_regions(tmp_path):
    found = absent_values(small(tmp_path, region_size={"each": [1, 2, 4]}))
    assert {(each.axis, each.value, each.stage) for each in found} == {
        ("region_size", 4, 3),
        ("region_size", 2, 4),
        ("region_size", 4, 4),
    }
    assert all("ceil(side / window) % region_size == 0 must hold" in each.why for each in found)


def test_with_value_changes_one_axis(tmp_path):
    space = small(tmp_path, mlp_ratio=[2, 4], region_size={"each": [1, 2]})
    params = space.encode(space.smallest)
    assert with_value(space, params, "mlp_ratio", 4) == params | {"mlp_ratio": 4}
