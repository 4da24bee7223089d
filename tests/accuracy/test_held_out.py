import pytest

from vitspace.accuracy.figure import main
from vitspace.accuracy.judging import anchors_held, public_held, siblings_held
from vitspace.accuracy.predictor import predictor


def test_public_families_left_out_are_predicted_within_a_point():
    held = public_held()
    assert len(held.names) == 150 and held.mae < 0.9
    assert 0.87 <= held.coverage90 <= 0.95
    assert held.tau > 0.75 and held.tau_like_flops > 0.4


def test_our_anchors_without_their_family():
    held = anchors_held()
    assert len(held.names) == 22 and held.mae <= 0.6 and held.tau > 0.85 and held.coverage90 > 0.85


def test_our_anchors_with_their_siblings():
    held = siblings_held()
    assert held.mae <= 0.45 and held.tau >= 0.9


def test_intervals_widen_with_their_level():
    low, high = predictor().factors
    assert 0.5 < low < high < 1.645


def test_a_family_without_rows_has_a_code_of_its_own():
    model = predictor()
    assert model.family("hybrid") == model.family("hybrid") != model.family("msg")
    assert model.family("hybrid") not in set(model.families.tolist())
    assert model.family(None) == pytest.approx(-1)


def test_figures_and_numbers_of_all_networks_are_written(tmp_path):
    main(["--out", str(tmp_path)])
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"held.csv", *(f"{name}.{kind}" for name in ("predicted", "reliability") for kind in ("png", "pdf"))}
    assert len((tmp_path / "held.csv").read_text().splitlines()) == 1 + 150 + 22
