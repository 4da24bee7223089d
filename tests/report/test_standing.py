"""Searched designs beside the published design that is nearest in cost."""

from dataclasses import replace

from vitspace.report.standing import standing, verdict
from vitspace.report.words import headline


def scored(record, number, **changes):
    return replace(record, trials=[replace(t, **changes) if t.number == number else t for t in record.trials])


def test_a_tie_at_fewer_milliseconds_is_told_with_its_interval(points):
    assert verdict(points) == (
        "Of 5 searched designs, 1 ties with MSG-T in accuracy at fewer milliseconds: "
        "design 5 (-0.4 points [-2.0, +1.2], -11 % FLOPs, -30 % ms); 3 are below it at lower cost; 1 is dominated. "
        "None leads MSG-T in accuracy beyond the interval (90 %, in brackets)."
    )
    assert verdict(points) in headline(points)


def test_a_lead_is_told_first_and_whether_it_is_sure(points):
    assert "1 is estimated above MSG-T: design 5 (+1.2 points" in verdict(scored(points, 5, score=83.6))
    assert "None leads" in verdict(scored(points, 5, score=83.6))
    assert "Design 5 leads in accuracy beyond the interval" in verdict(scored(points, 5, score=85.0))


def test_latencies_whose_intervals_meet_are_not_fewer_milliseconds(points):
    near = points.trials[5].latency | {"low_ms": 20.0, "high_ms": 39.0}
    assert not standing(points, replace(points.trials[5], latency=near)).faster
    assert "ties with MSG-T at fewer FLOPs, but not milliseconds; 3" in verdict(scored(points, 5, latency=near))


def test_of_several_anchors_each_design_names_its_own(points):
    other = replace(points.trials[2], anchor="mat_2", estimate=points.trials[2].estimate | {"published": 80.1})
    text = verdict(replace(points, trials=[*points.trials[:2], other, *points.trials[3:]]))
    assert "the published design that is nearest in accuracy at fewer milliseconds" in text
    assert "design 5 (MSG-T: -0.4 points" in text


def test_without_an_anchor_nothing_is_said(points):
    assert verdict(replace(points, trials=points.trials[1:])) == ""


def test_many_designs_are_counted(points):
    many = [replace(points.trials[5], number=number) for number in range(10, 16)]
    assert "and 4 more; 3 are below it" in verdict(replace(points, trials=[*points.trials, *many]))


def test_a_design_is_held_against_what_is_near_in_accuracy_too(points):
    weak = replace(points.trials[2], macs=3_400_000_000, latency_ms=28.5, score=72.0, anchor="vt_r18")
    weak = replace(weak, estimate=weak.estimate | {"published": 72.0})
    record = replace(points, trials=[*points.trials[:2], weak, *points.trials[3:]])
    assert standing(record, points.trials[5]).anchor.anchor == "msg_tiny"


def test_many_leads_are_counted(points):
    many = [replace(points.trials[5], number=n, score=86.0, macs=3_400_000_000 - n) for n in range(10, 18)]
    many = [replace(trial, latency_ms=28.0 + trial.number) for trial in many]
    assert "8 of them lead in accuracy" in verdict(replace(points, trials=[*points.trials, *many]))
