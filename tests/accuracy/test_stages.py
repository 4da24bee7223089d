import dataclasses
import re

import pytest

import vitspace
from vitspace.accuracy.prediction import summed
from vitspace.accuracy.predictor import predictor
from vitspace.accuracy.stages import PARAMS_AT, unseen
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost


def test_the_largest_shares_of_params_are_those_of_published_designs():
    largest = dict.fromkeys(PARAMS_AT, 0.0)
    for row in main_anchors():
        counted = cost(row.spec)
        for at, (depth, count) in zip(PARAMS_AT, counted.counts[1], strict=False):
            largest[at] = max(largest[at], count.deep(depth).params / counted.params)
    assert largest == pytest.approx(PARAMS_AT, abs=0.001)


def test_published_designs_have_shown_all_that_they_are():
    assert not any(unseen(row.spec) for row in main_anchors())


def test_a_stage_narrower_than_the_one_before_is_marked_and_widens_the_interval():
    spec = vitspace.anchor("mat_2").spec
    stages = [*spec.stages]
    stages[1] = stages[1].changed(dim=16, heads=2)
    narrow = dataclasses.replace(spec, stages=tuple(stages))
    assert unseen(narrow) == {"stage 2 is narrower (16) than stage 1 (32), as in no published network of ours": 1.0}
    known, found = summed([spec, narrow])
    assert not found.inside and found.sd > 1.5 * known.sd and "stage 2 is narrower" in str(found)


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
