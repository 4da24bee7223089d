import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.files import data_names
from vitspace.space import InvalidDesign, load_space
from vitspace.space.exploring import explore

MSG = load_space("msg")


def write(path, **changes):
    """Write a small valid space with changes."""
    base = {"family": "msg", "axes": {"dim": {"values": [32, 64], "scale": [1, 2, 4, 8]}, "depth": [1, 2]}}
    path.write_text(yaml.safe_dump(base | changes))
    return str(path)


@pytest.mark.parametrize("name", data_names("spaces"))
def test_every_anchor_of_a_space_reads_back(name):
    space = load_space(name)
    inside = space.anchors(ablations=True)
    assert inside
    for row in inside:
        assert space.decode(space.encode(row.spec)) == row.spec


def test_the_papers_three_models_are_points_of_the_space():
    assert [row.id for row in MSG.anchors()] == ["msg_tiny", "msg_small", "msg_base"]


def test_rows_that_are_one_design_are_one_anchor():
    specs = [row.spec for row in MSG.anchors(ablations=True)]
    assert len(specs) == len(set(specs)) == 12


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_draw_encodes_and_decodes_to_itself(seed):
    [spec] = MSG.draw(1, seed=seed)
    assert MSG.decode(MSG.encode(spec)) == spec
    assert spec in MSG


def test_draws_are_distinct_seeded_and_within_the_budget():
    specs = MSG.draw(20, "2G..4G", seed=1)
    assert len({spec.id for spec in specs}) == 20
    assert all(2e9 <= cost(spec).macs <= 4e9 for spec in specs)
    assert MSG.draw(20, "2G..4G", seed=1) == specs
    assert MSG.draw(20, "2G..4G", seed=2) != specs


def test_excluded_specs_are_not_drawn():
    specs = MSG.draw(5, "4G", seed=1)
    assert not set(MSG.draw(5, "4G", seed=1, exclude=specs)) & set(specs)


def test_a_budget_below_the_smallest_design_says_what_that_costs():
    with pytest.raises(
        InputError, match=r"no design of msg fits: the smallest costs 173\.7M FLOPs, and the budget is at most 100M"
    ):
        MSG.draw(1, "100M")


def test_the_smallest_design_has_no_smaller_neighbour():
    others = MSG.mutate([MSG.smallest] * 100)
    assert len(others) > 10 and min(cost(other).macs for other in others) >= cost(MSG.smallest).macs


def test_inactive_axes_are_not_chosen():
    params = MSG.encode(anchor("msg_tiny").spec)
    without = {k: v for k, v in params.items() if not k.startswith(("region_size", "token_init"))} | {
        "exchange": "no_token"
    }
    assert MSG.decode(without).stages[0].exchange == "no_token"
    with pytest.raises(InputError, match=r"active axes only, but got region_size\.1"):
        MSG.decode(params | {"exchange": "no_token"})


def test_rules_of_the_space_and_of_the_family_make_a_design_invalid():
    params = MSG.encode(anchor("msg_tiny").spec)
    with pytest.raises(InvalidDesign, match=r"stage 4: ceil\(side / window\) % region_size == 0 must hold"):
        MSG.decode(params | {"region_size.4": 2})
    with pytest.raises(InvalidDesign, match="stage 1: head_dim must divide dim, but got head_dim=64, dim=32"):
        MSG.decode(params | {"dim": 32, "head_dim": 64, "region_size.1": 1})


def test_values_outside_an_axis_are_refused_with_the_choices():
    params = MSG.encode(anchor("msg_tiny").spec)
    with pytest.raises(InputError, match=r"window is one of \[4, 7, 8, 14\], but got 9"):
        MSG.decode(params | {"window": 9})
    with pytest.raises(InputError, match="window is missing"):
        MSG.decode({k: v for k, v in params.items() if k != "window"})


def test_a_path_works_where_a_name_does(tmp_path):
    space = load_space(write(tmp_path / "mine.yaml"))
    assert space.name == "mine"
    assert len(space.draw(4)) == 4


def test_of_a_space_with_too_few_designs_all_are_drawn_with_a_warning(tmp_path, caplog):
    space = load_space(write(tmp_path / "mine.yaml"))
    assert len(set(space.draw(5))) == space.size() == 4
    assert "space mine has only 4 such designs within no limit" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, r"mine\.yaml:\d+: unknown key 'colour'; known keys: axes, rules, family, resolution, families"),
        (
            {"axes": {"dim": {"valeus": [1]}}},
            r"mine\.yaml:3: unknown key 'axes\.dim\.valeus'; known keys: values, each",
        ),
        ({"axes": {"dim": {"values": [32], "each": [32]}}}, "exactly one of values, each and stages"),
        ({"axes": {"depth": {"stages": [[1], [1]]}}}, "one entry a stage, 4, but got 2"),
        ({"axes": {"depth": [1, 1]}}, "lists each value once"),
        ({"axes": {"depth": ["two"]}}, "depth is .*but got 'two'"),
        ({"axes": {"dim": [0, -4], "depth": [1]}}, r"mine\.yaml:\d+: dim is at least 1, but got 0"),
        (
            {
                "axes": {
                    "dim": [32],
                    "depth": {"values": [1], "when": {"exchange": ["shuffle"]}},
                    "exchange": ["shuffle", "no_token"],
                }
            },
            "depth has a value in every stage, but got when",
        ),
        ({"axes": {"dim": 32}}, r"an axis is a list or a mapping, such as dim: \[32\], but got dim: 32"),
        ({"axes": {"breadth": [1]}}, "an axis is one of dim, depth"),
        (
            {"axes": {"depth": {"values": [1], "when": {"exchange": ["none"]}}}},
            "depends on 'exchange', which is no axis",
        ),
        ({"axes": {"dim": [32], "depth": ["1"]}}, "depth is .*but got '1'"),
        ({"axes": {"dim": {"values": [32], "scale": [0, 1, 2, 4]}}}, r"axes\.dim.*scale.* is at least 1, but got 0"),
        (
            {
                "axes": {
                    "dim": [32],
                    "depth": [1],
                    "window": {"values": [4], "when": {"exchange": ["x"]}},
                    "exchange": ["none"],
                }
            },
            "depends on exchange in ",
        ),
        ({"family": "vgg"}, "a family is one of"),
        ({"rules": ["dim %"]}, "a rule is an expression"),
        ({"rules": ["width % 8 == 0"]}, "a rule names .* but 'width % 8 == 0' has width"),
        ({"resolution": 8}, "resolution.*but got 8"),
        (
            {"family": {"each": ["msg", "mat"], "order": "non_decreasing"}},
            "family is values, each or stages, but got order",
        ),
    ],
)
def test_a_bad_file_says_where_and_why(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        load_space(write(tmp_path / "mine.yaml", **changes))


@pytest.mark.parametrize("text", ["a: [", "- 1", "a: !!python/object:os.system {}"])
def test_a_file_that_is_not_a_mapping_of_plain_yaml(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.yaml"):
        load_space(str(path))


def test_an_unknown_name_lists_the_spaces():
    with pytest.raises(InputError, match=r"spaces are .*msg.* or a path to a .yaml file, but got 'mgs'"):
        load_space("mgs")


BAD = """\
family: [msg, mat]
axes:
  dim: {values: [32], scale: [1, 2, 4, 8]}
  depth:
    each: [1, 2]
families:
  msg:
    axes:
      region_size: {each: [1, 2]}
    rules:
      - region_size < 9
  mat:
    axes:
      heads: {each: [2], when: {mixer: [mat]}}
      mixer: {each: [none, mat]}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("[msg, mat]\n", "\n  - msg\n  - mat\n  - mad\n", 4, "a family is one of"),
        ("depth:", "deep:", 4, "an axis is one of dim, depth"),
        ("[1, 2]\nfam", "[1, two]\nfam", 5, "depth is .*but got 'two'"),
        ("depth:\n    each: [1, 2]", "deep: [1]", 4, "an axis is one of"),
        ("depth:\n    each: [1, 2]", "mlp_ratio: [2]", 2, "a space has the axes depth too, for msg"),
        ("region_size < 9", "size < 9", 11, "a rule names"),
        ("region_size:", "dim:", 9, "axis dim is shared, but msg has one of its own"),
        ("{mixer: [mat]}", "{mixes: [mat]}", 14, "heads depends on 'mixes', which is no axis"),
        ("{mixer: [mat]}", "{mixer: [what]}", 14, "heads depends on mixer in "),
        ("none, mat]", "mat, what]", 15, "mixer is .*but got 'what'"),
        ("[none, mat]}", "[mat], when: {heads: [2]}}", 2, "conditions must not go in a circle"),
        (
            "region_size:",
            "stem.patch: {each: [plain]}\n      region_size:",
            9,
            "a stem is one, so stem.patch has values",
        ),
        (
            "heads:",
            "head.width: {stages: [[8], null, null, [9]]}\n      heads:",
            14,
            "a head is one, so head.width has",
        ),
        (
            "each: [1, 2]\n",
            "values: [1, 2]\n    scale: [1, 1, 2, 1]\n",
            6,
            "scale multiplies dim alone, but got a scale of depth",
        ),
        (
            "{each: [1, 2]}",
            "{stages: [null, null, null, null]}",
            9,
            "an axis has values in some stage, but region_size has none",
        ),
    ],
)
def test_what_is_at_odds_with_a_family_has_a_line(tmp_path, old, new, line, message):
    assert old in BAD
    path = tmp_path / "mine.yaml"
    path.write_text(BAD.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"^{path}:{line}: {message}"):
        load_space(str(path))


def test_order_is_of_numbers(tmp_path):
    axes = {"dim": [32], "depth": [1], "exchange": {"each": ["shuffle", "no_token"], "order": "non_decreasing"}}
    with pytest.raises(InputError, match=r"mine\.yaml:\d+: order is of numbers, but exchange has 'shuffle'"):
        load_space(write(tmp_path / "mine.yaml", axes=axes))


def test_values_of_a_family_where_a_stage_is_never_of_it_are_refused(tmp_path):
    text = BAD.replace("[msg, mat]", "{stages: [[mat], [msg, mat], [mat], [mat]]}", 1)
    (tmp_path / "mine.yaml").write_text(text.replace("{each: [1, 2]}", "{stages: [[1, 2], [1, 2], null, null]}"))
    with pytest.raises(InputError, match=r"mine\.yaml:9: stage 1 is never msg, so msg\.region_size has null there"):
        load_space(str(tmp_path / "mine.yaml"))


def test_a_rule_that_cannot_be_worked_out_has_a_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "family: msg\nresolution: 64\naxes:\n  dim: [32]\n  depth: [1]\nrules:\n  - side / (depth - 1) > 1\n"
    )
    with pytest.raises(
        InputError, match=rf"^{path}:7: a rule can be worked out for every design, but .*division by zero"
    ):
        load_space(str(path)).size()
    space = load_space(str(path))
    path.unlink()
    with pytest.raises(InputError, match=rf"^{path}: a rule can be worked out"):
        space.decode({})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rules": ["dim > 64 * 8", "side > 7"]}, r"none of mine has a stage 1: stage 1: dim > 64 \* 8 must hold"),
        ({"rules": ["stage < 3"]}, "none of mine has a stage 3: stage 3: stage < 3 must hold, but got stage=3"),
        (
            {"axes": {"dim": {"stages": [[64], [64], [32], [32]], "order": "non_decreasing"}, "depth": [1]}},
            r"none of mine has a stage 3: dim must not decrease from stage to stage, but got \[64, 32\]",
        ),
        ({"axes": {"dim": [32], "depth": [1], "head_dim": [64]}}, "stage 1: head_dim must divide dim"),
    ],
)
def test_a_space_without_a_design_says_what_refused_it(tmp_path, changes, reason):
    path = write(tmp_path / "mine.yaml", resolution=64, **changes)
    with pytest.raises(InputError, match=rf"^{path}:\d+: a space has a valid design, but .*{reason}"):
        load_space(path).size()


def test_the_space_without_a_fault_loads(tmp_path):
    (tmp_path / "mine.yaml").write_text(BAD)
    assert load_space(str(tmp_path / "mine.yaml")).families == ["msg", "mat"]


def test_a_space_whose_costs_cannot_be_counted_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("vitspace.space.exploring.MOST_MACS", 1000)
    with pytest.raises(InputError, match="costs less than 1,000 multiply-adds, but those of mine at 64 px may cost"):
        explore(load_space(write(tmp_path / "mine.yaml", resolution=64)))


def test_a_key_given_twice_is_refused_with_its_line(tmp_path):
    (tmp_path / "mine.yaml").write_text(BAD.replace("depth:", "dim: [64]\n  depth:", 1))
    with pytest.raises(InputError, match=r"mine\.yaml:4: not YAML: key 'dim' is given twice"):
        load_space(str(tmp_path / "mine.yaml"))


def test_a_cache_that_cannot_be_used_costs_no_second_exploration(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "file"))
    found = []
    monkeypatch.setattr("vitspace.space.stored.explore", lambda space: found.append(explore(space)) or found[-1])
    assert load_space(write(tmp_path / "mine.yaml", resolution=64)).size() > 0
    assert len(found) == 1 and "cannot be used" in caplog.text


@pytest.mark.parametrize("text", ["? [1, 2]\n: 3\n", "a: {? {b: 1} : 2}\n"])
def test_a_key_that_is_no_word_is_one_error(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=r"mine\.yaml"):
        load_space(str(tmp_path / "mine.yaml"))
