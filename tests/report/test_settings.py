"""Settings of designs as words."""

from dataclasses import replace

from vitspace.families import anchor
from vitspace.report.settings import differing, settings, shape
from vitspace.spec import Spec


def mixture():
    """EMSNet's first two stages, then two of MAT-2."""
    ems, mat = anchor("emsnet_xxtiny").spec, anchor("mat_2").spec
    return Spec(stem=ems.stem, stages=ems.stages[:2] + mat.stages[2:], head=mat.head)


def test_settings_of_one_family_go_stage_by_stage():
    shown = settings(anchor("msg_tiny").spec)
    assert shown["family"] == "msg" and shown["region_size"] == "4-4-2-1" and shown["depth"] == "2-4-12-4"


def test_a_mixture_names_the_family_of_what_only_some_stages_have():
    shown = settings(mixture())
    assert shown["family"] == "ems-ems-mat-mat" and shown["dim"] == "32-64-128-256"
    assert shown["ems kernel"] == "7" and shown["mat heads"] == "8-16"
    assert "kernel" not in shown and "heads" not in shown


def test_what_all_designs_share_does_not_differ():
    spec = anchor("msg_tiny").spec
    wider = replace(spec, stages=(*spec.stages[:3], replace(spec.stages[3], dim=640)))
    assert differing([spec, wider]) == []
    assert shape(wider, []) == {"dim": "64-128-256-640", "depth": "2-4-12-4", "settings": None}
    assert "family" in differing([spec, mixture()])
