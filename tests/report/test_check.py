"""Designs that learn far less in the short training than the published networks nearest in FLOPs."""

from dataclasses import replace

import pytest
from rich.console import Console

from vitspace.plots.formats import readable
from vitspace.report.check import check_words, far_behind_words, learning_words
from vitspace.report.choice import design_lines
from vitspace.report.markdown import report_text
from vitspace.report.page.sections import cards
from vitspace.report.printed import study_data
from vitspace.report.tables import for_reading, front_shown, front_table, trials_table
from vitspace.report.terminal import terminal_table
from vitspace.report.words import headline, next_commands


@pytest.fixture
def slow(points):
    """A study of which designs 1 and 5, both on the front, learn far less than MSG-T; chance is 3.0."""
    right = {0: (-0.5, 0.86), 1: (-2.5, 0.3), 2: (-0.6, 0.8), 5: (-1.5, 0.46)}
    trials = [
        replace(t, proxy_score=right[t.number][0], details=t.details | {"accuracy": right[t.number][1]})
        if t.number in right
        else replace(t, proxy_score=-1.0 if t.complete else None)
        for t in points.trials
    ]
    return replace(points, trials=trials)


def test_it_is_said_in_the_first_sentences(slow):
    said = (
        "In the short training 2 of 5 searched designs learn far less than the published networks nearest in FLOPs, "
        "which no estimate sees: design 1 (30 % right, MSG-T 86 %), design 5 (46 % right, MSG-T 86 %). Train such a "
        "design longer, as --proxy train:small does, before it is believed."
    )
    assert said in headline(slow) and said in check_words(slow)
    assert "design 1 (30 % right, MSG-T 86 %) and 1 more." in far_behind_words(slow, named=1)


def test_scores_stand_in_where_it_is_not_known_how_much_is_right(slow):
    plain = replace(slow, trials=[replace(trial, details={}) for trial in slow.trials])
    assert "design 5 (score -1.500, MSG-T -0.500)" in far_behind_words(plain)


def test_nothing_is_said_where_none_is_far_behind_or_nothing_is_trained(slow, points, record):
    free = replace(slow, resolved=slow.resolved | {"proxy": {"name": "params", "trains": False}})
    for study in (points, record, free, replace(slow, reference={})):
        assert far_behind_words(study) == "" and study.far_behind == {}
        assert "learns far less" not in report_text(study)
    assert learning_words(slow, slow.trials[2]) == ""


def test_tables_name_the_published_network(slow):
    for table in (front_table(slow), trials_table(slow)):
        named = table.set_index("number")["learns_far_less_than"].dropna()
        assert named.to_dict() == {1: "MSG-T", 5: "MSG-T"}
    assert "learns far less than" in readable(front_shown(slow))
    assert "learns far less than" in readable(for_reading(slow, trials_table(slow)))


def test_the_terminal_marks_them(slow, capsys):
    Console(width=80).print(terminal_table(slow))
    out = capsys.readouterr().out
    assert sum(line.count(" ! ") for line in out.splitlines()) == 2 and "!: learns far less in the short" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_pick_says_so_in_its_own_words(slow):
    beside = "46 % right, MSG-T 86 %."
    said = f"It learns far less in the short training than the published network nearest in FLOPs: {beside}"
    assert f"  {said}" in design_lines(slow, "5", slow.trials[5])
    [card] = [card for card in cards(slow) if ("trial", "5") in card.facts]
    assert card.doubt == said


def test_the_command_that_trains_a_design_in_full_says_so(slow):
    lean = replace(slow, trials=[replace(slow.trials[0], macs=2_500_000_000), *slow.trials[1:]])
    assert lean.front[-1].number == 5
    purposes = [purpose for purpose, _ in next_commands(lean)]
    assert "train it in full, though it learns far less than MSG-T in the short training" in purposes


def test_json_and_study_file_name_the_published_network(slow):
    for data in (slow.to_json(), study_data(slow)):
        found = {trial["number"]: trial["learns_far_less_than"] for trial in data["trials"]}
        assert {number for number, name in found.items() if name == "msg_tiny"} == {1, 5}
