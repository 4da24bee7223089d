from vitspace.fidelity.folder import cells, held_cells, points
from vitspace.fidelity.jobs import FidelityRequest
from vitspace.fidelity.predicted import predictor_card


def test_the_predictor_has_a_card_in_points(counted):
    card = predictor_card(counted)
    assert (card.proxy, card.default, card.fitted) == ("top1", True, "leave-one-family-out")
    assert (card.anchors, card.pairs, card.public) == (22, 81, 150)
    assert card.mae <= 0.6 and card.public_mae < 0.9 and card.kendall_tau > 0.85 and card.pair_accuracy > 0.85
    assert cells(card)[0] == "top1 *"
    assert f"different families {card.public_tau_like_flops:.2f}" in points(card)


def test_its_errors_are_told_by_what_is_left_out(counted):
    card = predictor_card(counted)
    assert [row[:4] for row in held_cells([card])] == [
        ("top1", "anchors", "family", "22"),
        ("top1", "anchors", "itself", "22"),
        ("top1", "public", "family", "150"),
    ]
    anchors, siblings, public = card.held
    assert (anchors.mae, siblings.mae, public.mae) == (card.mae, card.siblings_mae, card.public_mae)
    assert anchors.largest > anchors.mae > siblings.mae and anchors.low == card.low


def test_it_is_judged_by_name_or_where_no_proxy_is_named():
    assert not FidelityRequest(("top1",)).updates
    assert FidelityRequest().predicts and FidelityRequest(("top1", "params")).proxies == ("params",)
    assert not FidelityRequest(("params",)).predicts and not FidelityRequest(("top1",)).is_general
