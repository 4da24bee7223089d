"""Searched designs beside the published design that is nearest in cost."""

from dataclasses import replace

from vitspace.report.standing import standing, standings, verdict
from vitspace.report.words import headline


def scored(record, number, **changes):
    return replace(record, trials=[replace(t, **changes) if t.number == number else t for t in record.trials])


def test_a_tie_at_fewer_milliseconds_is_told_with_its_interval(points):
    assert verdict(points) == (
        "Of 5 searched designs, 1 ties with MSG-T in accuracy at fewer milliseconds: "
        "design 5 (-0.4 points [-2.0, +1.2], -11 % FLOPs, -30 % ms); 3 trail it at lower cost; 1 is dominated. "
        "None leads MSG-T in accuracy beyond the interval (90 %, in brackets)."
    )
    assert verdict(points) in headline(points)


def test_a_lead_is_told_first_and_whether_it_is_sure(points):
    above = verdict(scored(points, 5, score=83.6))
    assert "1 is above MSG-T, but not beyond the interval, at fewer milliseconds: design 5 (+1.2 points" in above
    assert "None leads" in above
    sure = verdict(scored(points, 5, score=85.0))
    assert (
        "1 leads MSG-T in accuracy at fewer milliseconds: design 5 (+2.6 points" in sure
        and "Those that lead do so" in sure
    )


def test_below_is_not_yet_to_trail(points):
    assert "1 is below MSG-T, but not beyond the interval, at lower cost; 3 trail it" in verdict(
        scored(points, 5, score=81.2)
    )


def test_latencies_whose_intervals_meet_are_not_fewer_milliseconds(points):
    near = points.trials[5].latency | {"low_ms": 20.0, "high_ms": 39.0}
    assert not standing(points, replace(points.trials[5], latency=near)).faster
    named = "design 5 (-0.4 points [-2.0, +1.2], -11 % FLOPs, -30 % ms); 3"
    said = verdict(scored(points, 5, latency=near))
    assert f"ties with MSG-T at fewer FLOPs, but not milliseconds: {named}" in said


def test_of_several_anchors_each_design_names_its_own(points):
    other = replace(points.trials[2], anchor="mat_2", estimate=points.trials[2].estimate | {"published": 80.1})
    text = verdict(replace(points, trials=[*points.trials[:2], other, *points.trials[3:]]))
    assert "the published design that is nearest in accuracy at fewer milliseconds" in text
    assert "design 5 (MSG-T: -0.4 points" in text


def test_without_an_anchor_nothing_is_said(points):
    assert verdict(replace(points, trials=points.trials[1:])) == ""


def test_many_designs_are_counted(points):
    many = [replace(points.trials[5], number=number) for number in range(10, 16)]
    assert "and 4 more; 3 trail it" in verdict(replace(points, trials=[*points.trials, *many]))


def test_a_design_is_held_against_what_is_near_in_accuracy_too(points):
    weak = replace(points.trials[2], macs=3_400_000_000, latency_ms=28.5, score=72.0, anchor="vt_r18")
    weak = replace(weak, estimate=weak.estimate | {"published": 72.0})
    record = replace(points, trials=[*points.trials[:2], weak, *points.trials[3:]])
    assert standing(record, points.trials[5]).anchor.anchor == "msg_tiny"


def test_many_leads_are_counted(points):
    many = [replace(points.trials[5], number=n, score=86.0, macs=3_400_000_000 - n) for n in range(10, 18)]
    many = [replace(trial, latency_ms=28.0 + trial.number) for trial in many]
    assert "8 lead MSG-T" in verdict(replace(points, trials=[*points.trials, *many]))


def test_what_stands_in_the_json_is_what_the_headline_says(points):
    found = {row["number"]: (row["stands"], row["nearest_anchor"]) for row in standings(points)}
    assert found == {
        1: ("trails", "msg_tiny"),
        3: ("trails", "msg_tiny"),
        2: ("trails", "msg_tiny"),
        5: ("ties", "msg_tiny"),
    }


def test_designs_that_unsure_milliseconds_keep_off_the_front_are_not_dominated(points):
    near = points.trials[4].latency | {"low_ms": 25.0, "high_ms": 45.0}
    text = verdict(scored(points, 4, latency=near))
    assert "; 1 is off the front by milliseconds that are not told apart. None" in text and "dominated" not in text
