from dataclasses import replace

import pytest

from vitspace.report.markdown import report_text
from vitspace.report.noise import noise_limit
from vitspace.report.page.sections import chosen_note
from vitspace.report.proxy import proxy_note
from vitspace.report.scatter import cost_label
from vitspace.report.tables import calibration
from vitspace.report.terminal import terminal_table
from vitspace.report.words import (
    design_commands,
    headline,
    latency_note,
    machine_note,
    next_commands,
    proxy_sentence,
    score_label,
    steps_words,
)
from vitspace.sized import SizedSpec
from vitspace.study.config import StudyConfig


def test_headline_counts_designs_and_front(record):
    text = headline(record)
    assert text.startswith(
        "msg-4G: 5 designs evaluated within 4G FLOPs (4 drawn, published: MSG-T), "
        "4 on the front of score, FLOPs and latency."
    )
    assert "not resolved" not in text


def test_the_device_that_latency_is_predicted_for_is_named_with_its_error(record):
    there = replace(record, config=record.config.model_copy(update={"latency": "pi5:60ms"}))
    assert "within 4G FLOPs, 60ms latency predicted for pi5 (" in headline(there)
    assert latency_note(there).startswith("Latency is predicted for pi5. In brackets")
    device = {"device": "Pi 5", "cpu": "Cortex-A76", "onnxruntime": "1.19", "designs": 60}
    known = replace(there, resolved=there.resolved | {"device": device | {"held_out": {"within_95": 0.11}}})
    assert "95 % of 60 held-out designs within 11%" in latency_note(known)
    doubted = replace(known.completed[0], latency={"doubt": "between"})
    assert "may be over the budget on pi5" in headline(replace(known, trials=[doubted, *known.trials[1:]]))


def test_what_runs_the_networks_is_named_and_that_scores_are_not_of_int8(record):
    assert "int8" not in headline(record) and latency_note(record).startswith("Latency: median")
    settings = {"latency": "60ms", "latency_backend": "onnxruntime-int8"}
    rounded = replace(record, config=record.config.model_copy(update=settings))
    assert "within 4G FLOPs, 60ms latency in onnxruntime-int8 (" in headline(rounded)
    assert "scores do not include what rounding loses" in headline(rounded)
    assert latency_note(rounded).startswith("Latency in onnxruntime-int8: median")
    assert cost_label(rounded, "latency_ms") == "CPU latency in onnxruntime-int8 (ms, batch 1, 1 thread)"


def test_the_headline_names_designs_that_are_undecided(record):
    assert "undecided" not in headline(record)
    held = replace(record.trials[1], state="undecided", why="it takes between 35 and 45 ms")
    one = replace(record, trials=[record.trials[0], held, *record.trials[2:]])
    assert "1 design is undecided, and on no front, as its latency's interval holds the budget's limit: design 1." in (
        headline(one)
    )


def test_a_design_that_its_prediction_rejected_has_a_command_that_times_it(record):
    slow = replace(record.trials[1], state="over_budget", score=None, latency_ms=None, latency={})
    assert design_commands(record, slow) == [("time it again", "vitspace studies retime msg-4G --trial 1")]
    assert design_commands(record, replace(slow, macs=5e9)) == []  # its FLOPs rejected it


# The front spans 0.30; two seeds of one design differ by up to 2.77 standard deviations.
@pytest.mark.parametrize(("noise", "unresolved"), [(0.1, False), (0.11, True), (1.0, True), (None, False)])
def test_headline_says_when_noise_hides_the_order(record, noise, unresolved):
    text = headline(replace(record, reference={"noise": noise}))
    assert ("order by score not resolved" in text) is unresolved


def test_headline_warns_of_designs_that_have_not_learned(record):
    assert "chance" not in headline(record)
    hard = replace(record, reference=record.reference | {"chance_loss": 2.75})
    assert "2 of the 5 scores are no better than chance (-2.750): train longer" in headline(hard)
    free = replace(hard, config=hard.config.model_copy(update={"proxy": "rank"}))
    assert "chance" not in headline(free)


def test_headline_counts_doubted_latencies(record):
    assert "unsure" not in headline(record)
    busy = [replace(t, latency=t.latency | {"doubt": "the machine was busy"}) for t in record.trials]
    one = replace(record, trials=[*record.trials[:4], busy[4], *record.trials[5:]])
    assert headline(one).endswith(" 1 of 5 latencies, 0 of the front's, was taken on a busy machine and is unsure.")
    assert headline(replace(record, trials=busy)).endswith(
        " 5 of 5 latencies, 4 of the front's, were taken on a busy machine and are unsure."
    )


def test_headline_names_a_precision_that_was_asked_for_and_not_reached(record):
    less = {"shortfall": "its runs tell it to 1.4% and not to 1%", "runs_error": 0.014}
    far = {"shortfall": "its runs tell it to 2.0% and not to 1%", "runs_error": 0.02}
    first, second, *others = record.trials
    missed = replace(record, trials=[replace(first, latency=less), replace(second, latency=far), *others])
    assert "precision" not in headline(missed)  # the usual one, which nobody asked for
    asked = replace(missed, config=record.config.model_copy(update={"latency_precision": "1%"}))
    said = f"2 of 5 latencies miss the precision of 1% that was asked for; of trial {second.number} {far['shortfall']}."
    assert headline(asked).endswith(said)


def test_the_next_commands_make_unsure_latencies_sure(record):
    busy = replace(record.trials[4], latency={"doubt": "the machine was busy"})
    unsure = replace(record, trials=[*record.trials[:4], busy], storage="sqlite:///x.db")
    command = "vitspace studies retime msg-4G --storage sqlite:///x.db"
    assert ("make the unsure latencies sure, once this machine is quiet", command) in next_commands(unsure)
    there = replace(unsure, config=record.config.model_copy(update={"latency": "pi5:60ms"}))
    assert not any("retime" in line for found in (record, there) for _, line in next_commands(found))


def test_headline_of_no_or_one_design(bare, lone):
    assert headline(bare) == "bare: no design was evaluated; 0 trials without a score."
    assert headline(lone).startswith("lone: 1 design evaluated (1 drawn, none published), 1 on the front")


def test_proxy_sentence_names_the_training_and_its_limits(record):
    text = proxy_sentence(record)
    assert "40 steps of training from scratch on fractal at 64 px (batch 32)" in text
    assert "not ImageNet accuracies" in text and "how fast a network starts to learn" in text
    assert text.count(". ") == 0


def test_a_training_free_score_is_no_accuracy(record):
    free = replace(record, config=StudyConfig(space="msg", proxy="zico", accuracy="proxy"), resolved={})
    assert "training-free proxy zico" in proxy_sentence(free)
    assert "training-free proxy zico" in proxy_note(free).lower()


def test_a_training_free_score_stands_beside_its_report_card(record):
    card = {"kendall_tau": 0.84, "tau_over_params": 0.05, "pair_accuracy": 0.907, "pairs": 81}
    card |= {"hard_right": 4.5, "hard_pairs": 12}
    free = replace(
        record,
        config=StudyConfig(space="msg", proxy="ridge", accuracy="proxy"),
        resolved={"proxy": {"name": "ridge", "report_card": card}},
    )
    text = proxy_sentence(free)
    assert "a search that maximises them stacks layers or params" in text
    assert "tau 0.84 with ImageNet top-1 over the anchors (params alone 0.79), 91% of 81 ablation pairs" in text
    assert "4.5 of the 12 that params order wrongly or tie (chance: 6)" in text
    assert score_label(free) == "training-free score ridge"


SHARED = "shared weights trained for 517 steps on cifar10 at 64 px, seed 0"


def test_shared_weights_are_named_in_place_of_a_training_and_of_seeds(record):
    told = record.resolved["proxy"] | {"trains": True, "rests_on": SHARED, "steps": 517}
    shared = replace(record, resolved=record.resolved | {"proxy": told}, reference={"scores": [-2.5]})
    text = proxy_sentence(shared)
    assert f"each is the negative validation loss with {SHARED}, which no seed of the search changes" in text
    assert proxy_note(shared) == f"Proxy: {SHARED}. Not ImageNet accuracy."
    assert f"Scores rest on {SHARED}, and on no seed" in chosen_note(shared)
    assert "scratch" not in text and "noise" not in headline(shared) and noise_limit(shared) is None
    notes = dict(calibration(shared)[["quantity", "note"]].to_numpy())
    assert notes == {"loss of the reference": "in nats, the same with every seed"}
    hard = replace(shared, reference=shared.reference | {"chance_loss": 2.75})
    assert "(-2.750): train longer before their order is believed." in headline(hard)


def test_a_further_training_names_what_it_begins_with(record):
    told = record.resolved["proxy"] | {"begins_with": SHARED}
    text = proxy_sentence(replace(record, resolved=record.resolved | {"proxy": told}))
    assert f"after 40 steps of training on fractal at 64 px (batch 32) from {SHARED}, so it measures" in text


def test_what_is_unknown_is_not_said(bare):
    assert "a short training from scratch, so" in proxy_sentence(bare)
    assert machine_note(bare) == ""


def test_commands_quote_the_name(record):
    commands = [command for _, command in next_commands(replace(record, name="my study"))]
    assert "vitspace report 'my study'" in commands
    assert "vitspace search --study 'my study' --resume" in commands
    assert "vitspace export 'my study' --trial 0" in commands
    assert "vitspace train 'my study' --trial 0 --data imagefolder:DIR" in commands


def test_commands_name_the_storage_where_they_take_one(record):
    commands = [command for _, command in next_commands(replace(record, storage="sqlite:///my x.db"))]
    assert len(commands) == 5 and all(line.endswith(" --storage 'sqlite:///my x.db'") for line in commands)
    commands = [command for _, command in design_commands(replace(record, storage="x.db"), record.front[0])]
    assert ["--storage" in line for line in commands] == [True, True, False]


@pytest.mark.parametrize(("trials", "used_up", "told"), [(16, False, ""), (5, False, " --trials 10"), (16, True, None)])
def test_no_more_designs_are_recommended_than_there_are(record, trials, used_up, told):
    config = record.config.model_copy(update={"trials": trials})
    commands = [line for _, line in next_commands(replace(record, config=config, used_up=used_up))]
    more = [line for line in commands if line.startswith("vitspace search")]
    assert more == ([] if told is None else [f"vitspace search --study msg-4G --resume{told}"])


def test_a_study_without_a_front_has_no_design_to_take_away(bare):
    assert not [command for _, command in next_commands(bare) if "--trial" in command.split()]


def test_terminal_table_stars_the_anchor(record, bare):
    table = terminal_table(record)
    assert table.row_count == 4
    assert list(table.columns[1].cells)[-1] == "MSG-T ★"
    assert terminal_table(bare).row_count == 0


def test_seeds_that_make_no_difference_are_no_noise(record):
    still = replace(record, reference={"noise": 0.0, "scores": [-2.5, -2.5]})
    assert "The front's scores span 0.300." in headline(still) and "noise" not in headline(still)
    large = replace(still, trials=[replace(t, score=t.score and 1e6 * t.score) for t in still.trials])
    assert "The front's scores span 300,000." in headline(large)
    level = replace(still, trials=[replace(t, score=t.score and -2.5) for t in still.trials])
    assert "noise" not in headline(level)


@pytest.mark.parametrize(
    ("size", "text", "trained"), [(192, "192", " --img-size 192"), ((192, 256), "192x256", ""), (224, "", "")]
)
def test_commands_name_the_size_of_image(record, size, text, trained):
    sized = replace(record.front[0], spec=SizedSpec.of(record.front[0].spec, size))
    _, train, profile = [command for _, command in design_commands(record, sized)]
    assert train.endswith(f"imagefolder:DIR{trained}") and profile.endswith(
        f"spec.json{text and f' --img-size {text}'}"
    )


def test_seconds_are_told_by_step(points):
    assert points.seconds_by_step == {"screening": 21.0, "timing": 18.0, "proxy": 120.0}
    assert steps_words(points) == "screening 21.0 s, timing 18.0 s, training 2 min 00 s"
    two = replace(points, resolved=points.resolved | {"workers": 2})
    assert steps_words(two).endswith("training 2 min 00 s (trials added up, 2 at once)")
    assert points.to_json()["seconds_by_step"] == points.seconds_by_step
    assert ". By step: screening 21.0 s" in report_text(points)


def test_seconds_of_all_rungs_count(points):
    rungs = [{"rung": "train:tiny", "seconds": 3.0}, {"rung": "train:small", "seconds": 9.0}]
    trial = replace(points.trials[1], details={"rungs": rungs, "proxy_seconds": 9.0})
    assert replace(points, trials=[trial], screening={}).seconds_by_step == {"proxy": 12.0}


def test_a_study_without_seconds_tells_none(bare):
    assert bare.seconds_by_step == {} and steps_words(bare) == ""
