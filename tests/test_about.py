"""What is said of families."""

import pytest

from vitspace import about as module
from vitspace.about import About, about, all_about, register
from vitspace.families import FAMILIES
from vitspace.plots.names import readable_name
from vitspace.plots.style import looks


def test_each_of_ours_has_a_name_and_a_look_of_its_own():
    assert list(FAMILIES) == sorted(all_about())
    told = [all_about()[family] for family in FAMILIES]
    for facts in zip(*((each.name, each.colour, each.mark) for each in told), strict=True):
        assert all(facts) and len(set(facts)) == len(told)


def test_tolerances_are_numbers():
    assert (about("transcnn").params_tolerance, about("transcnn").flops_tolerance) == (0.02, 0.075)
    assert (about("msg").params_tolerance, about("msg").flops_tolerance) == (0.01, 0.015)


def test_a_family_that_says_nothing_goes_by_its_key():
    assert about("plainconv") == About("plainconv", "plainconv")
    assert looks(["msg", "plainconv"])["msg"] == ("#0072B2", "o")
    assert looks(["plainconv"])["plainconv"] not in looks(FAMILIES).values()


@pytest.mark.parametrize(("mark", "look"), [("p", ("#123456", "p")), ("", ("#222222", "*"))])
def test_another_package_tells_of_its_family(monkeypatch, mark, look):
    monkeypatch.setattr(module, "_OTHERS", {})
    register(About("plainconv", "PlainConv", "#123456", mark))
    assert readable_name("plainconv_tiny") == "PlainConv-T"
    assert looks(["plainconv"])["plainconv"] == look
