import math
from dataclasses import replace

import pytest

from vitspace.anchors.references import ablation_pairs, main_anchors
from vitspace.fidelity.cards import make_cards
from vitspace.fidelity.designs import DesignFilter, designs
from vitspace.fidelity.folder import cells, family_cells, write_folder
from vitspace.proxies.score_tables import read_table

CONTRACT = {
    *("proxy", "specs", "kendall_tau", "tau_ci", "pairs", "pair_accuracy", "pair_ci", "hard_pairs", "hard_accuracy"),
    *("seconds_per_spec", "failures", "source", "fitted", "default"),
}


@pytest.fixture(scope="module")
def cards(counted):
    return {card.proxy: card for card in make_cards(["params", "nt", "ridge", "rank"], ["own", "common"], counted)}


def test_a_card_prints_what_is_agreed_on(cards):
    assert set(cards["params"].to_json()) >= CONTRACT


def test_params_order_the_anchors(cards):
    card = cards["params"]
    assert card.kendall_tau == pytest.approx(0.793, abs=0.01)
    assert (card.pairs, card.hard_pairs, card.hard_right) == (81, 12, 0.5)
    assert card.pair_accuracy == pytest.approx(69.5 / 81)
    assert (card.tau_over_params, card.pairs_over_params) == (0, 0)
    assert card.tau_ci[0] < card.kendall_tau < card.tau_ci[1]
    assert card.peers["specs"] == 30 and card.peers["kendall_tau"] > 0.7
    assert card.flagged_pairs > 0


def test_combinations_are_fitted_without_the_family_they_are_judged_on(cards, counted):
    card = cards["ridge"]
    assert card.fitted == "leave-one-family-out" and cards["params"].fitted == "none"
    assert card.kendall_tau > 0.8 and card.pair_accuracy > 0.9
    assert [card.proxy for card in cards.values() if card.default] == ["rank"]


def test_what_a_family_published_does_not_change_its_own_scores(counted, monkeypatch):
    from vitspace.proxies import scored as module

    families = {row.spec.id: row.family for row in main_anchors()}
    before = module.scored("ridge", "own", counted, families).values
    changed = [
        replace(row, published={**row.published, "top1": 1.0}) if row.family == "mat" else row for row in main_anchors()
    ]
    monkeypatch.setattr(module, "main_anchors", lambda: changed)
    after = module.scored("ridge", "own", counted, families).values
    assert all(before[s] == after[s] for s, family in families.items() if family == "mat")
    assert any(before[s] != after[s] for s, family in families.items() if family == "msg")


def test_failures_are_counted_and_cost_half_a_pair(counted):
    rows = [r for r in counted if r.proxy == "params"]
    lost = next(r.spec for r in rows if r.name == "mat_2_abl_pure_mlp")
    rows += [replace(r, proxy="zico", value=None if r.spec == lost else r.value, failure="nan") for r in rows]
    [card] = make_cards(["zico"], ["own"], rows)
    assert (card.failures, card.reasons) == (1, ("nan",))
    assert card.pair_accuracy == pytest.approx((69.5 - 1) / 81)  # two of its pairs were right


def test_a_card_of_some_designs_counts_their_pairs_alone(counted):
    rows = [r for r in counted if r.proxy == "params"]
    some = {d.subject.name for d in designs() if d in DesignFilter(("ems",), kinds=("ablations",))}
    trained = [replace(r, proxy="train:tiny", value=-r.value) for r in rows if r.spec in some]
    [card] = make_cards(["train:tiny"], ["own", "common"], [*counted, *trained])
    assert card.specs == len(some) and card.pairs == sum(pair.family == "ems" for pair in ablation_pairs())
    inside = card.leave_one_family_out["ems"]
    assert inside["pair_accuracy"] == pytest.approx(1 - inside["params_accuracy"])
    assert family_cells([card])[0][:3] == ("train:tiny", "ems", str(card.pairs))
    assert cells(card)[2].endswith(f" of {card.pairs}")
    assert card.leave_one_family_out["msg"]["pair_accuracy"] is None


def test_a_card_of_nothing_is_written_as_such(counted):
    [card] = make_cards(["train:tiny"], ["own"], counted)
    assert (card.specs, card.pairs, card.pair_accuracy, card.kendall_tau) == (0, 0, None, None)
    assert cells(card)[1:4] == ("- of 0", "- of 0", "0 of 0")


def test_what_was_trained_has_a_table_of_its_own(counted, tmp_path):
    trained = [replace(r, proxy="train:tiny") for r in counted if r.proxy == "params"]
    write_folder(tmp_path, make_cards(["params", "train:tiny"], ["own"], counted + trained), counted + trained)
    assert {row.proxy for row in read_table(tmp_path / "trained.csv")} == {"train:tiny"}
    assert "train:tiny" not in {row.proxy for row in read_table(tmp_path / "scores.csv")}
    assert "Inside a family" in (tmp_path / "cards.md").read_text()


def test_a_folder_keeps_the_rows_that_are_not_measured_now(counted, tmp_path):
    params = [row for row in counted if row.proxy == "params"]
    write_folder(tmp_path, make_cards(["params"], ["own"], counted), counted)
    write_folder(tmp_path, [], [replace(params[0], value=1.0)])
    rows = {row.key: row.value for row in read_table(tmp_path / "scores.csv")}
    assert len(rows) == len(counted)
    assert (rows[params[0].key], rows[params[1].key]) == (1.0, params[1].value)


@pytest.mark.parametrize("proxy", ["rank", "ridge"])
def test_a_combination_of_too_few_anchors_has_a_card_of_nothing(counted, proxy):
    some = [row for row in counted if row.name.startswith("msg")]
    params, card = make_cards(["params", proxy], ["own"], some)
    assert params.specs and (card.specs, card.kendall_tau) == (0, None)


def test_a_combination_is_measured_where_a_component_is(counted):
    new = frozenset(row.key for row in counted if row.proxy == "slog")
    cards = make_cards(["params", "rank", "ridge"], ["own"], counted, new)
    assert [card.source for card in cards] == ["committed", "measured", "committed"]


def test_two_seeds_say_how_far_they_agree(counted):
    rows = [r for r in counted if r.proxy == "params"]
    zico = [replace(r, proxy="zico", seed=seed, value=r.value * (1, -1)[seed]) for r in rows for seed in (0, 1)]
    [card] = make_cards(["zico"], ["own"], rows + zico)
    assert card.seed_tau == pytest.approx(-1)
    assert card.seed_pairs < 0.1
    # Two seeds at v and -v are each 2 v**2 of squares with one degree of freedom.
    assert card.seed_noise == pytest.approx(math.sqrt(sum(2 * r.value**2 for r in rows) / len(rows)))
    assert card.seed_designs == len(rows)
