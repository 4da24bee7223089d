import pytest
import timm
import torch
from torch import nn

import vitspace
from vitspace.accuracy import difference, tie
from vitspace.accuracy.prediction import summed
from vitspace.accuracy.predictor import Predictor, predictor
from vitspace.accuracy.table import published
from vitspace.costs import cost

MSG = ("msg_tiny", "msg_small")


def spec(name):
    return vitspace.anchor(name).spec


def test_a_predictor_of_another_table_has_another_digest():
    rows = published()
    assert Predictor(rows[:-1]).digest != predictor().digest == Predictor(rows).digest


def test_a_prediction_has_what_is_agreed_on():
    found = vitspace.predict_top1(spec("msg_tiny"))
    assert found.low90 < found.low80 < found.mean < found.high80 < found.high90
    assert 0 < found.sd < 1.5 and abs(found.mean - 82.4) < 1
    assert found.inside and not found.outside and len(found.nearest) == 5
    assert "not a result" in str(found) and found == vitspace.predict_top1(spec("msg_tiny"))


def test_a_module_is_predicted_as_its_spec():
    network = vitspace.build(spec("mat_1"))
    assert vitspace.predict_top1(network) == vitspace.predict_top1(spec("mat_1"))


def test_a_network_of_timm_and_one_without_weights():
    with torch.device("meta"):
        network = timm.create_model("swin_tiny_patch4_window7_224")
    found = vitspace.predict_top1(network)
    assert abs(found.mean - 81.4) < 1 and found.nearest[0] == "swin_tiny_patch4_window7_224"


def test_a_design_unlike_any_known_is_marked_and_less_sure():
    strange = spec("msg_tiny").to_dict()
    for stage, depth in zip(strange["stages"], (40, 40, 1, 1), strict=True):
        stage["depth"] = depth
    known, found = summed([spec("msg_tiny"), vitspace.Spec.from_dict(strange)])
    assert not found.inside and found.outside and found.sd > 1.5 * known.sd
    assert "outside of what is known: " in str(found)


def test_depth_beyond_what_is_known_earns_nothing():
    deep = spec("mat_2").to_dict()
    deep["stages"][3]["depth"] = 60
    deeper = spec("mat_2").to_dict()
    deeper["stages"][3]["depth"] = 120
    one, two = summed([vitspace.Spec.from_dict(data) for data in (deep, deeper)])
    assert two.sd > one.sd and not two.inside


def test_a_design_without_mixing_is_refused_with_that_reason():
    with pytest.raises(vitspace.InputError, match=r"positions of the map meet, at least 50% of them .* but got 2.0%"):
        vitspace.predict_top1(spec("mat_2_abl_pure_mlp"))
    with pytest.raises(vitspace.InputError, match=r"positions of the map meet"):
        difference(spec("mat_2"), spec("mat_2_abl_pure_mlp"))


def test_what_is_neither_spec_nor_classifier_is_refused():
    with pytest.raises(vitspace.InputError, match=r"a prediction is of a Spec or a torch module, but got 'msg_tiny'"):
        vitspace.predict_top1("msg_tiny")
    with pytest.raises(
        vitspace.InputError, match=r"a classifier takes an image \[1, 3, 224, 224\], but Linear does not"
    ):
        vitspace.predict_top1(nn.Linear(7, 3))


def test_a_design_and_itself_are_a_tie_and_far_sizes_are_none():
    same = difference(spec("mat_1"), vitspace.build(spec("mat_1")))
    assert same.tie and (same.mean, same.sd) == (0, 0) and not tie(spec("msg_base"), spec("mat_1"))
    found = difference(spec("msg_base"), spec("mat_1"))
    assert found.mean > 5 and found.sd < 2
    assert difference(spec("mat_1"), spec("msg_base")).mean == pytest.approx(-found.mean)


def test_a_difference_is_the_less_sure_the_less_two_designs_are_alike():
    names = ("msg_tiny", "msg_small", "msg_base")
    sds = [difference(spec("msg_tiny"), spec(name)).sd for name in names]
    assert sds == sorted(sds) and difference(spec("msg_tiny"), deeper("msg_tiny", 1)).sd < sds[1]
    assert difference(spec("msg_tiny"), spec("mat_5")).sd > sds[1]


def deeper(name, blocks):
    data = spec(name).to_dict()
    data["stages"][2]["depth"] += blocks
    return vitspace.Spec.from_dict(data)


def test_more_params_for_each_flop_than_its_family_has_shown_are_marked():
    data = spec("emsnet_xtiny").to_dict()
    known = vitspace.predict_top1(vitspace.Spec.from_dict(data))
    data["stages"][3]["dim"], data["stages"][3]["depth"] = 512, 6
    dense = vitspace.Spec.from_dict(data)
    found = vitspace.predict_top1(dense)
    each = 1000 * cost(dense).params / cost(dense).macs
    assert f"params for each 1,000 FLOPs are {each:.1f}, where published networks of its stages'" in str(found)
    assert found.sd > known.sd


@pytest.mark.parametrize(
    ("network", "got"),
    [
        (nn.Conv2d(3, 8, 3), r"\[1, 8, 222, 222\]"),
        (nn.Identity(), r"\[1, 3, 224, 224\]"),
        (timm.create_model("resnet18", features_only=True), "list"),
    ],
)
def test_a_network_that_gives_no_scores_is_refused(network, got):
    with pytest.raises(vitspace.InputError, match=rf"a classifier gives scores \[1, classes\], but \w+ gives {got}"):
        vitspace.predict_top1(network)


def test_no_estimate_is_below_nothing():
    found = vitspace.predict_top1(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1000)))
    assert 0.0 == found.low90 <= found.mean <= 100 and not found.inside


def test_mixtures_are_no_family():
    a, b = vitspace.load_space("hybrid").draw(2, budget="3.8G..4G", seed=0)
    assert a.family == b.family == "hybrid"
    alone = [vitspace.predict_top1(spec).sd for spec in (a, b)]
    assert difference(a, b).sd > max(alone)


def test_a_frozen_layer_stays_frozen():
    network = timm.create_model("test_resnet").train()
    network.bn1.eval()
    vitspace.predict_top1(network)
    assert network.training and network.layer1.training and not network.bn1.training
