import dataclasses
import re

import pytest

import vitspace
from vitspace.accuracy.prediction import summed
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.stages import MACS_AT, PARAMS_AT, STEP, unseen
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost
from vitspace.costs.stages import StageCosts


def test_what_stages_may_hold_and_how_they_grow_is_what_published_designs_have_shown():
    shown = [(StageCosts.of(row.spec), cost(row.spec).params) for row in main_anchors()]
    for at, stride in enumerate(PARAMS_AT):
        assert {int(stages.strides[0, at]) for stages, _ in shown} == {stride}
        params = [stages.params[0, at] / whole for stages, whole in shown]
        assert max(params) == pytest.approx(PARAMS_AT[stride], abs=0.001)
        macs = [stages.macs[0, at] / stages.macs[0].sum() for stages, _ in shown]
        assert min(macs) == pytest.approx(MACS_AT[stride], abs=0.001)
    assert max((stages.dims[0, 1:] / stages.dims[0, :-1]).max() for stages, _ in shown) == STEP


def test_published_designs_have_shown_all_that_they_are():
    assert not any(unseen(row.spec) for row in main_anchors())


def test_a_stage_narrower_than_the_one_before_is_marked_and_widens_the_interval():
    spec = vitspace.anchor("mat_2").spec
    stages = [*spec.stages]
    stages[1] = stages[1].changed(dim=16, heads=2)
    narrow = dataclasses.replace(spec, stages=tuple(stages))
    assert unseen(narrow)["stage 2 is narrower (16) than stage 1 (32), as in no published network of ours"] == 1
    known, found = summed([spec, narrow])
    assert not found.inside and found.sd > 1.5 * known.sd and "stage 2 is narrower" in str(found)


def test_a_stage_four_times_as_wide_as_the_one_before_is_marked():
    spec = vitspace.anchor("mat_2").spec
    stages = [*spec.stages]
    stages[3] = stages[3].changed(dim=512)
    (words, beyond), *_ = unseen(dataclasses.replace(spec, stages=tuple(stages))).items()
    assert words.startswith("stage 4 is 4.0 times as wide (512) as stage 3 (128)")
    assert beyond == pytest.approx(1 / 3)


def test_a_thin_second_stage_is_marked():
    spec = vitspace.anchor("msg_tiny").spec
    stages = [*spec.stages]
    stages[1] = stages[1].changed(depth=1)
    stages[2] = stages[2].changed(depth=28)
    ((words, beyond),) = unseen(dataclasses.replace(spec, stages=tuple(stages))).items()
    assert "of the FLOPs are in stages at stride 8, where published networks of ours have at least 7.2%" in words
    assert 0 < beyond < 1


def test_params_that_sit_in_early_stages_are_marked():
    spec = vitspace.anchor("emsnet_xxtiny").spec
    stages = [*spec.stages]
    stages[1] = stages[1].changed(depth=30)
    (found,) = unseen(dataclasses.replace(spec, stages=tuple(stages)))
    assert "of the params are in stages at stride 8, where published networks of ours have at most 12%" in found


def test_a_mixture_of_more_params_for_each_flop_than_its_stages_families_have_is_marked():
    ems, vt = (vitspace.anchor(name).spec for name in ("emsnet_xxtiny", "vt_r18"))
    mixed = dataclasses.replace(ems, stages=(*ems.stages[:3], vt.stages[3].changed(dim=192, depth=4)))
    (words,) = (words for words in unseen(mixed) if words.startswith("params for each"))
    counted, numbers = cost(mixed), [float(number) for number in re.findall(r"\d+\.\d", words)]
    shown = dict.fromkeys(("ems", "vt"), 0.0)
    for row in main_anchors():
        if row.family in shown:
            shown[row.family] = max(shown[row.family], cost(row.spec).params / cost(row.spec).macs)
    shares = [count.deep(depth).macs for depth, count in counted.counts[1]]
    known = sum(shown[stage.family] * macs for stage, macs in zip(mixed.stages, shares, strict=True)) / sum(shares)
    assert numbers == pytest.approx([1000 * counted.params / counted.macs, 1000 * known], abs=0.05)


def test_a_family_without_published_networks_is_held_to_what_any_of_ours_has_shown(monkeypatch):
    spec = vitspace.anchor("vt_r18").spec
    known = {name: most for name, most in predictor().densest.items() if name != "vt"}
    assert not unseen(spec)
    monkeypatch.setattr(predictor(), "densest", {name: most - 1 for name, most in known.items()})
    (words,) = unseen(spec)
    assert words.startswith("params for each 1,000 FLOPs are ")
