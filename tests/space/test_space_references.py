"""What a space of several families takes from other space files."""

import pytest
import yaml

from vitspace.errors import InputError
from vitspace.space import load_space

MIXED = {"family": ["msg", "mat"], "families": {"msg": {"axes": "msg", "rules": "msg"}, "mat": {"axes": "mat"}}}


def load(tmp_path, **families):
    path = tmp_path / "mixed.yaml"
    path.write_text(yaml.safe_dump(MIXED | {"families": MIXED["families"] | families}))
    return load_space(str(path))


def test_a_familys_axes_and_rules_are_those_of_its_space(tmp_path):
    section, own = load(tmp_path).config.families["msg"], load_space("msg").config
    assert (section.axes, section.rules) == (own.axes, own.rules)


def test_one_axis_is_taken_by_its_name(tmp_path):
    axes = {"dim": [32], "depth": [1], "mixer": {"of": "mat"}}
    section = load(tmp_path, mat={"axes": axes}).config.families["mat"]
    assert section.axes["mixer"] == load_space("mat").config.axes["mixer"] and section.rules == ()


def test_a_file_is_found_from_the_folder_of_the_file_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "small.yaml").write_text("family: mat\naxes: {dim: [32], depth: [2]}\n")
    section = load(tmp_path, mat={"axes": "small.yaml"}).config.families["mat"]
    assert section.axes["depth"].values == (2,)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"axes": "mta"}, r"mixed.yaml:\d+: spaces are .*, or a path to a .yaml file, but got 'mta'"),
        ({"axes": "msg"}, r"mixed.yaml:\d+: a reference leads to a space of family mat alone, but msg is not"),
        ({"rules": "unified"}, r"a reference leads to a space of family mat alone, but unified is not"),
        ({"axes": {"tokens": {"of": "mat"}}}, r"mixed.yaml:\d+: space mat has the axes .*, but got tokens"),
        (
            {"axes": {"dim": {"of": "mat", "values": [8]}}},
            r"an axis is a reference or has values of its own, but dim has of, values",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(tmp_path, section, message):
    with pytest.raises(InputError, match=message):
        load(tmp_path, mat=section)
