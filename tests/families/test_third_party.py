"""A family of another package: registered by an entry point, it behaves like ours."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from newcomers import FAMILY, install

from vitspace.analysis.scoring import Scorer
from vitspace.errors import InputError
from vitspace.families import FAMILIES, _load, anchor
from vitspace.space import load_space
from vitspace.space.stored import key_of
from vitspace.spec import _PARTS, part_type

MODULE = FAMILY.replace("toy", "plainconv")
SPACE = """
family: {stages: [[plainconv], [plainconv, mat], [mat], [plainconv]]}
resolution: 64
axes:
  dim: {values: [16], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
families:
  plainconv: {axes: {inner: {each: [8, 16]}}}
  mat: {axes: {mixer: {each: [none]}}}
"""


DRAW = """
import sys
from vitspace.cli import main
sys.argv = ["vitspace", "space", "draw", "mine.yaml", "-n", "12", "--json"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
"""
BUILD = """
import torch, vitspace
for spec in vitspace.load_space("mine.yaml").draw(12):
    network = vitspace.build(spec, num_classes=3, img_size=64)
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    whole = sum(p.numel() for p in vitspace.build(spec, img_size=64).parameters())
    assert vitspace.cost(spec, 64).params == whole
    assert vitspace.Spec.from_json(spec.to_json()) == spec
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """An installed package with a family, and a space that mixes it with one of ours."""
    folder = tmp_path_factory.mktemp("package")
    install_family(folder, "plainconv", MODULE)
    (folder / "mine.yaml").write_text(SPACE)
    return folder


def install_family(folder, name, text, family=None):
    """Put a module there, as an installed package whose entry point names it."""
    (folder / f"{name}.py").write_text(text)
    install(folder, name, "vitspace.families", **{family or name: name})


def draw(folder, script=DRAW):
    """Draw 12 designs in a process that finds the package."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def drawn(package):
    """12 designs, which were built, trained and costed in the process that drew them."""
    return draw(package, DRAW + BUILD)


def test_it_is_drawn_costed_built_and_trained(drawn):
    assert len({design["id"] for design in drawn}) == 12
    assert {stage["family"] for design in drawn for stage in design["stages"]} == {"plainconv", "mat"}


def test_a_changed_source_is_counted_anew(package, drawn):
    (package / "plainconv.py").write_text(MODULE.replace("(inner, dim, 1)", "(inner, dim, 1, bias=False)"))
    before, after = ({design["id"]: design["params"] for design in designs} for designs in (drawn, draw(package)))
    both = before.keys() & after.keys()
    assert both and all(after[spec] < before[spec] for spec in both)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder from which packages are imported, whose families are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("vitspace.spec._PARTS", dict(_PARTS))
    monkeypatch.setattr("vitspace.spec._BROKEN", {})
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("broken_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise ValueError('first\\nsecond')", "ValueError: first second"),
        ("def (", "SyntaxError: invalid syntax"),
        ("", "it defines no stem of family 'broken_one'"),
        (MODULE.replace("plainconv", "broken_one") + "\nraise OSError('late')", "OSError: late"),
    ],
)
def test_a_broken_family_is_a_warning_and_an_error_where_it_is_asked_for(installed, caplog, text, why):
    install_family(installed, "broken_one", text)
    assert _load().keys() == FAMILIES.keys()
    named = "family 'broken_one' of package broken_one 1.0 (entry point 'broken_one' in vitspace.families)"
    [line] = caplog.messages
    assert line.startswith(f"{named} cannot be loaded: {why}")
    (installed / "asks.yaml").write_text("family: [msg, broken_one]\naxes: {dim: [32], depth: [1]}\n")
    with pytest.raises(InputError) as refused:
        load_space(str(installed / "asks.yaml"))
    assert str(refused.value) == f"{installed / 'asks.yaml'}:1: {line}"
    with pytest.raises(InputError, match="cannot be loaded"):
        part_type("head", "broken_one")
    assert load_space("msg").anchors()


def test_a_family_of_a_name_that_is_taken_is_ignored_with_a_warning(installed, caplog):
    install_family(installed, "broken_copy", "raise AssertionError", "msg")
    assert _load()["msg"] is FAMILIES["msg"]
    assert caplog.messages[0].endswith("is ignored: there is a family msg already")


def test_scores_of_a_changed_package_are_not_those_of_before(monkeypatch, tmp_path):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path))
    spec, asked = anchor("vt_r18").spec, []
    proxy = SimpleNamespace(describe=dict, score=lambda spec, seed: asked.append(spec) or SimpleNamespace(value=1.0))
    for found in ("", "", "changed"):
        monkeypatch.setitem(vars(spec), "sources", found)
        Scorer(proxy).score(spec, 224)
    assert len(asked) == 2


def test_a_space_is_counted_anew_where_the_package_of_its_family_changed(monkeypatch):
    space = load_space("vt")
    before = key_of(space)
    monkeypatch.setattr(
        "vitspace.space.stored.sources_of", lambda *names: "changed" if "vitspace.families.vt" in names else ""
    )
    assert key_of(space) != before
