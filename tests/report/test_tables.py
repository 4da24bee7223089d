from dataclasses import replace

import pytest

from vitspace.plots.formats import markdown, readable
from vitspace.plots.names import readable_name
from vitspace.report.tables import anchors_table, calibration, front_table, references, rejected, trials_table


def test_front_by_flops_beside_the_nearest_anchor(record):
    front = front_table(record)
    assert front["number"].tolist() == [1, 3, 2, 0]
    assert front["gflops"].tolist() == [1.0, 1.5, 2.0, 3.8]
    row = front.set_index("number").loc[2]
    assert (row["flops_gap"], row["latency_gap"]) == pytest.approx((2 / 3.8 - 1, 30 / 40 - 1))
    assert row["against_anchor"] == "MSG-T: 47 % cheaper, 25 % faster, score worse by 0.200"
    assert front["against_anchor"].iloc[-1] == "is the anchor"


def test_a_gap_inside_the_noise_is_called_so(record):
    noisy = replace(record, reference=record.reference | {"noise": 0.1})
    row = front_table(noisy).set_index("number").loc[2]
    assert row["against_anchor"].endswith("score -0.200 (within noise)")


def test_seeds_that_make_no_difference_set_no_smallest_one(record):
    still = replace(record, reference=record.reference | {"noise": 0.0})
    values = calibration(still).set_index("quantity")["value"]
    assert values["noise between seeds"] == 0 and "smallest difference that counts" not in values
    level = replace(still, trials=[replace(t, score=t.score and -2.5) for t in still.trials])
    assert set(front_table(level)["against_anchor"].str.rpartition(", ")[2]) == {"same score"}


def test_trials_hold_every_trial_with_its_reason(record):
    trials = trials_table(record)
    assert trials["number"].tolist() == list(range(7))
    assert trials["front"].tolist() == [True, True, True, True, False, False, False]
    assert trials["why"].iloc[5] == "FLOPs 5G outside ..4G"
    assert trials["name"].iloc[0] == "MSG-T"


def test_anchors_stand_beside_what_was_printed(record):
    anchors = anchors_table(record).set_index("name")
    assert anchors["standing"].to_dict() == {
        "MSG-T": "on the front",
        "MSG-S": "outside the budget",
        "MSG-B": "outside the budget",
    }
    assert anchors["published_gflops"].to_dict() == {"MSG-T": 3.8, "MSG-S": 8.4, "MSG-B": 14.2}


def test_a_beaten_anchor_names_who_beats_it(record):
    slow = replace(record.trials[0], score=-2.76)
    beaten = replace(record, trials=[slow, *record.trials[1:]])
    assert "(trial 2)" in anchors_table(beaten)["standing"].iloc[0]


def test_references_are_published_at_the_resolution(record):
    assert [row.id for row in references(record)] == ["msg_small", "msg_base"]
    assert references(replace(record, resolved={"space": {"family": "msg", "resolution": 384}})) == []


def test_calibration_holds_only_what_was_measured(record, bare):
    values = calibration(record).set_index("quantity")["value"]
    assert values["loss of chance"] == 3.0
    assert values["loss of MSG-T"] == pytest.approx(2.51)
    assert values["noise between seeds"] == 0.01
    assert values["smallest difference that counts"] == pytest.approx(0.0277, abs=1e-4)
    assert calibration(bare).empty
    assert calibration(replace(record, reference={"noise": float("nan"), "scores": None})).empty


def test_rejected_counts_states_with_their_share(record, lone):
    table = rejected(record).set_index("state")
    assert table["trials"].to_dict() == {"over_budget": 1, "invalid": 1}
    assert table["share"].tolist() == pytest.approx([1 / 7, 1 / 7])
    assert rejected(lone).empty


def test_markdown_escapes_and_leaves_missing_cells_blank(record):
    lines = markdown(readable(rejected(record))).splitlines()
    assert lines[1] == "| --- | ---: | ---: | --- |"
    assert lines[3] == r"| invalid | 1 | 14.3 % | a \| b must hold |"
    assert "nan" not in markdown(readable(anchors_table(record))).lower()


def test_latency_is_shown_with_its_spread(record):
    assert readable(front_table(record))["CPU latency, ms"].iloc[0] == "10.0 (9.0\N{EN DASH}11.0)"


@pytest.mark.parametrize(
    ("anchor", "name"),
    [
        ("msg_tiny", "MSG-T"),
        ("mat_2", "MAT-2"),
        ("emsnet_xxtiny", "EMSNet-XXT"),
        ("vt_r18_adv", "VT-R18-adv"),
        ("partialformer_b0", "PartialFormer-B0"),
        ("MSG-T", "MSG-T"),
    ],
)
def test_names_are_the_papers(anchor, name):
    assert readable_name(anchor) == name


def test_a_latency_in_doubt_is_marked(record):
    first, *others = record.trials
    moved = replace(first, latency=first.latency | {"doubt": "the machine was busy"})
    frame = trials_table(replace(record, trials=[moved, *others]))
    assert frame["latency_doubt"].notna().tolist()[:2] == [True, False]
    latencies = readable(frame)["CPU latency, ms"]
    assert [text.endswith(", unsure)") for text in latencies[:2]] == [True, False]


def test_a_doubted_latency_is_said_to_be_unsure_beside_an_anchor(record):
    anchor, *others = record.trials
    busy = replace(anchor, latency=anchor.latency | {"doubt": "the machine was busy"})
    words = front_table(replace(record, trials=[busy, *others])).set_index("number")["against_anchor"]
    assert words[2] == "MSG-T: 47 % cheaper, 25 % faster (latency unsure), score worse by 0.200"


def test_a_score_of_no_training_is_not_in_nats(record):
    notes = calibration(record).set_index("quantity")["note"]
    assert notes["loss of MSG-T"].startswith("in nats, mean of 2 seeds")
    free = replace(record, config=record.config.model_copy(update={"proxy": "zico"}))
    assert "nats" not in markdown(readable(calibration(free)))


@pytest.mark.parametrize("family", [{"values": ["msg", "mat"]}, {"each": ["msg", "vt"]}])
def test_a_space_of_several_families_has_references_too(record, family):
    facts = record.resolved | {"space": record.resolved["space"] | {"family": family}}
    assert references(replace(record, resolved=facts)) == references(record)
