"""Proxies of other packages of every wrong shape: a line that names the entry point, and no traceback."""

import re
import sys
from itertools import count
from pathlib import Path

import pytest
from newcomers import install

import vitspace
from vitspace.errors import InputError
from vitspace.proxies import (
    ProxyError,
    ProxyFault,
    Score,
    Selective,
    kind_of,
    open_proxy,
    rests_on,
    trains,
)
from vitspace.proxies.selective import check_knows

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "proxy.md"
BODY = """
from vitspace.proxies import ProxyError, Score
from fractions import Fraction
import numpy
import torch
TRAINS = False

class Mine:
    worst = None
    def describe(self):
        return {"name": "mine"}
    def score(self, spec, seed, on_step=None):
        return SCORE

class Odd:
    def __getattr__(self, name):
        raise RuntimeError(name)

def open_proxy(argument, data, device, seed):
    return Mine()
"""
#: A property that raises; keep makes the proxy one of rungs.
FAILING = """
def fails(self):
    raise RuntimeError("no licence")
Mine.keep, Mine.{name} = 0.5, property(fails)
"""
SPEC = vitspace.anchor("mat_1").spec
_numbers = count()


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens a proxy from the text of its module."""

    def open_(text, argument=""):
        name = f"foreign{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(text)
        install(tmp_path, name, "vitspace.proxies", **{name: name})
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        return open_proxy(f"{name}{argument}", "", "cpu")

    return open_


@pytest.mark.parametrize(
    "text",
    [
        "raise RuntimeError('no\\nlicence')",
        "import nothing_of_that_name",
        "def broken(:",
        "raise SystemExit(3)",
        "x = 1",
        "open_proxy = 3",
        "def open_proxy(): pass",
        "def open_proxy(argument): return argument",
        "def open_proxy(a, b, c, d, e): pass",
        "def open_proxy(argument, data, device, seed): return None",
        "def open_proxy(argument, data, device, seed): return open_proxy",
        "def open_proxy(argument, data, device, seed): raise KeyError('x')",
        BODY.replace("def score(self, spec, seed, on_step=None)", "def score(self, spec)"),
        BODY.replace("def score(", "def scores("),
        BODY.replace("def describe(self)", "def describe(self, x)"),
        BODY.replace('{"name": "mine"}', "None"),
        BODY.replace('{"name": "mine"}', "{1: {2, 3}}"),
        BODY.replace('{"name": "mine"}', "[1]"),
        BODY.replace('return {"name": "mine"}', "raise ValueError('no')"),
        BODY.replace("worst = None", "worst = 'bad'"),
        BODY.replace("worst = None", "worst = float('nan')"),
        BODY.replace("worst = None", "worst, rests_on = None, 3"),
        BODY.replace("worst = None", "worst, refused = None, 3"),
        BODY.replace("worst = None", "worst, refused = None, lambda self: ''"),
        BODY.replace("TRAINS = False", "TRAINS = 'no'"),
        BODY.replace("worst = None", "rungs, keep = (), 0.5"),
        BODY.replace("worst = None", "rungs, keep = (3,), 0.5"),
        BODY.replace("worst = None", "rungs, keep = 3, 0.5"),
        BODY.replace("worst = None", "rungs, keep = None, 0.5"),
        BODY + "Mine.rungs, Mine.keep = (Mine(),), 'half'",
        BODY + "Mine.rungs, Mine.keep = (Mine(),), 1",
        *(BODY + FAILING.format(name=name) for name in ("worst", "name", "score", "describe", "rungs")),
        BODY.replace("worst = None", "worst = torch.tensor(True)"),
        BODY.replace('return {"name": "mine"}', "raise SystemExit(3)"),
        BODY.replace("return Mine()", "raise SystemExit(3)"),
        "from functools import partial\nopen_proxy = partial(lambda argument: argument)",
        "class Opens:\n    def __call__(self): pass\nopen_proxy = Opens()",
        "def __getattr__(name):\n    raise RuntimeError(name)",
        BODY.replace("return Mine()", "return Odd()"),
    ],
)
def test_a_module_of_the_wrong_shape_is_one_line(opened, text):
    with pytest.raises(InputError) as caught:
        opened(text)
    assert re.search(r"proxy 'foreign\d+' \(entry point 'foreign\d+'\)", str(caught.value))
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "answer",
    [
        "None",
        "'0.5'",
        "b'1'",
        "True",
        "[1.0]",
        "{}",
        "object()",
        "Odd()",
        "torch.ones(2)",
        "Score(None, 1.0)",
        "Score(1.0, 1.0, None)",
        "1j",
        "numpy.True_",
        "numpy.array(False)",
        "numpy.complex64(1)",
        "numpy.array('3.0')",
        "torch.tensor(True)",
        "bytearray(b'1')",
        "Score(1.0, 'abc')",
        "Score(1.0, float('nan'))",
        "Score(1.0, -1.0)",
        "Score(1.0, None)",
    ],
)
def test_a_score_of_the_wrong_type_is_the_proxys_fault(opened, answer):
    proxy = opened(BODY.replace("SCORE", answer))
    with pytest.raises(ProxyFault, match="entry point 'foreign"):
        proxy.score(SPEC, 0)


@pytest.mark.parametrize(
    "answer",
    ["float('nan')", "float('inf')", "torch.tensor(float('nan'))", "1 / 0", "Score(float('-inf'), 1.0)", "exit(3)"],
)
def test_a_score_that_is_not_finite_and_an_exception_fail_the_design(opened, answer):
    with pytest.raises(ProxyError):
        opened(BODY.replace("SCORE", answer)).score(SPEC, 0)


@pytest.mark.parametrize(
    "answer",
    [
        "3",
        "3.0",
        "torch.tensor(3.0)",
        "torch.tensor([3.0], requires_grad=True)",
        "Score(3, 2.0)",
        "Score(torch.tensor(3), 1)",
        "Score(torch.tensor(3, dtype=torch.bfloat16), numpy.float32(1))",
        "numpy.int64(3)",
        "numpy.array([3.0])",
        "Fraction(3)",
    ],
)
def test_a_number_is_a_score_whatever_holds_it(opened, answer):
    found = opened(BODY.replace("SCORE", answer)).score(SPEC, 0)
    assert isinstance(found, Score) and found.value == 3.0 and type(found.value) is float and found.seconds >= 0


def test_whatever_can_be_called_opens_a_proxy(opened):
    for text in ("from functools import partial\nopen_proxy = partial(open_proxy)", "open_proxy = Opens()"):
        body = f"{BODY}\nclass Opens:\n    def __call__(self, argument, data, device, seed): return Mine()\n{text}"
        assert opened(body.replace("SCORE", "3")).score(SPEC, 0).value == 3.0


def test_what_a_score_rests_on_in_place_of_a_seed_is_told_on(opened):
    assert rests_on(opened(BODY.replace("worst = None", "worst, rests_on = None, 'a table'"))) == "a table"
    assert rests_on(opened(BODY)) == ""


REFUSES = BODY + "Mine.refused = lambda self, spec: ANSWER"


@pytest.mark.parametrize("ladder", ["", "\nMine.rungs, Mine.keep = [Mine(), Mine()], 0.5"])
def test_the_designs_that_a_proxy_refuses_are_told_on(opened, ladder):
    space, refuses = vitspace.load_space("mat"), REFUSES.replace("ANSWER", "'windows are unknown'")
    with pytest.raises(InputError, match="windows are unknown"):
        check_knows(opened(refuses + ladder), space)
    check_knows(opened(REFUSES.replace("ANSWER", "''") + ladder), space)
    assert not isinstance(opened(BODY + ladder), Selective)


@pytest.mark.parametrize("answer", ["None", "3", "True", "1 / 0"])
def test_a_refusal_is_a_text(opened, answer):
    proxy = opened(REFUSES.replace("ANSWER", answer))
    with pytest.raises(ProxyFault, match=r"entry point 'foreign\d+'\): refused\(spec\)"):
        proxy.refused(SPEC)


def test_rungs_are_proxies_too(opened):
    ladder = opened(BODY.replace("SCORE", "3") + "Mine.rungs, Mine.keep = [Mine(), Mine()], 0.5")
    assert [rung.score(SPEC, 0).value for rung in ladder.rungs] == [3.0, 3.0] and ladder.keep == 0.5


@pytest.mark.parametrize("answer", ["None", "3", "('a', 'b')", "b'a'"])
def test_a_name_under_which_scores_are_kept_is_a_text(opened, answer):
    kind = kind_of(
        opened(f"{BODY}\nTAKES_DATA = True\ndef canonical_name(text, data): return {answer}").told.split("'")[1]
    )
    with pytest.raises(ProxyFault, match=r"canonical_name\(text, data\) returns a text, but got"):
        kind.canonical_name("x", "digits")


@pytest.mark.parametrize(
    "answer", ["None", "'a'", "()", "('a',)", "('a', 'b', 'c')", "(None, 'a')", "('a', 3)", "['a', 'b']"]
)
def test_a_name_is_parted_from_its_data(opened, answer):
    def kind(text):
        return kind_of(opened(f"{BODY}\ndef split_data(text): return {text}").told.split("'")[1])

    with pytest.raises(ProxyFault, match=r"split_data\(text\) returns a name and its data, or None for these, but got"):
        kind(answer).part_data("x")
    assert kind("('a', None)").part_data("x") == ("a", None)
    assert kind("('a', 'b')").part_data("x") == ("a", "b")


def test_what_stops_a_proxy_passes_through_it(opened):
    class Stop(Exception):  # noqa: N818
        pass

    def stop(done, total):
        raise Stop

    body = BODY.replace("return SCORE", "on_step(1, 2)")
    with pytest.raises(Stop):
        opened(body).score(SPEC, 0, stop)


def test_ours_are_not_wrapped():
    assert type(open_proxy("params", "", "cpu")).__name__ == "FreeProxy"


def test_the_how_tos_proxy_works_as_it_stands(opened):
    [module] = [
        block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "open_proxy" in block
    ]
    proxy = opened(module, ":32")
    assert not trains(proxy.told.split("'")[1])
    once = proxy.score(SPEC, 0).value
    assert once > 0 and proxy.score(SPEC, 0).value == once != proxy.score(SPEC, 1).value
    assert proxy.describe()["name"] == "gradnorm:32" and kind_of(proxy.told.split("'")[1]).takes_data is False
    with pytest.raises(InputError, match="takes a size of images"):
        opened(module, ":large")
