"""Which code shared weights depend on."""

from dataclasses import replace

import pytest

from vitspace.sharing import folder
from vitspace.sources import followed


@pytest.mark.parametrize(
    ("module", "decides"),
    [
        ("vitspace.families.ems", True),
        ("vitspace.families._ems_attention", True),
        ("vitspace.layers.conv_norm", True),
        ("vitspace.sharing.cuts", True),
        ("vitspace.network", True),
        ("vitspace.words", False),
        ("vitspace.files", False),
        ("vitspace.errors", False),
    ],
)
def test_weights_are_of_the_code_that_decides_what_they_mean(monkeypatch, module, decides):
    before = folder.sources(["ems"])

    def changed(modules):
        found = followed(modules)
        return found | {module: replace(found[module], digest="another")}

    monkeypatch.setattr(folder, "followed", changed)
    assert (folder.sources(["ems"]) != before) == decides
