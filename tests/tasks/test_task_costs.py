"""Costs of networks for dense tasks: sums of parts that equal what the whole network runs."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

import vitspace
from vitspace.costs.counter import Counter, count_network, count_params
from vitspace.errors import InputError
from vitspace.layers.plain import plain_graph
from vitspace.tasks import costs
from vitspace.tasks.costs import DenseCost
from vitspace.tasks.heads import DENSE, _proposals, load, task_of

ODD = (75, 107)
WHOLE = [name for name in DENSE if task_of(name).kind != "detection"]
#: A family each of windows, tokens, grids, and a network of timm.
BACKBONES = ["mat_1", "msg_tiny", "transcnn_small", "resnet18"]


def backbone(name):
    return name if name == "resnet18" else vitspace.anchor(name).spec


def macs_of(detector, size):
    counter = Counter()
    with torch.no_grad(), plain_graph(), sdpa_kernel(SDPBackend.MATH), counter:
        detector([torch.rand(3, *size)])
    return counter.macs


@pytest.mark.parametrize("name", WHOLE)
def test_the_sum_over_parts_is_the_whole_network(name):
    spec = backbone("mat_1")
    network = vitspace.build(spec, num_classes=5, img_size=ODD, task=name)
    whole, parts = count_network(network, 3, *ODD), vitspace.cost(spec, ODD, 5, name)
    assert (parts.params, parts.macs, parts.attention_macs) == (whole.params, whole.macs, whole.attention_macs)


@pytest.mark.parametrize("name", BACKBONES)
def test_it_is_for_every_backbone(name):
    network = vitspace.build(backbone(name), task="semantic-fpn", num_classes=5)
    whole, parts = count_network(network, 3, *ODD), vitspace.cost(backbone(name), ODD, 5, "semantic-fpn")
    assert (parts.params, parts.macs) == (whole.params, whole.macs)


@pytest.mark.parametrize("name", [name for name in DENSE if task_of(name).kind == "detection"])
def test_detectors_have_as_many_parameters_as_are_counted(name):
    spec = backbone("mat_1")
    with torch.device("meta"):
        network = vitspace.build(spec, task=name)
    assert count_params(network) == vitspace.cost(spec, task=name).params


@pytest.mark.parametrize("name", ["retinanet", "ssdlite"])
def test_detectors_of_one_step_run_what_is_counted(name):
    spec, size = backbone("mat_1"), (96, 96)
    network = vitspace.build(spec, 5, size, name).eval()
    assert macs_of(network, size) == vitspace.cost(spec, size, 5, name).macs


@pytest.fixture
def counted_anew():
    """Heads are counted anew, as what was counted may have had another number of regions."""
    costs._count_head.cache_clear()
    yield
    costs._count_head.cache_clear()


@pytest.mark.usefixtures("counted_anew")
@pytest.mark.parametrize("name", ["mask-rcnn", "cascade-mask-rcnn"])
def test_detectors_of_two_steps_run_what_is_counted_of_as_many_regions(name, monkeypatch):
    monkeypatch.setattr(_proposals, "REGIONS", 20)
    monkeypatch.setattr(_proposals, "MASKED_REGIONS", 6)
    spec, size = backbone("mat_1"), (96, 96)
    network = vitspace.build(spec, 3, size, name).eval()
    network.rpn.nms_thresh, network.rpn._post_nms_top_n = 1.0, {"training": 20, "testing": 20}
    for rules in getattr(network.roi_heads, "rules", [network.roi_heads]):
        rules.score_thresh, rules.nms_thresh, rules.detections_per_img = 0.0, 1.0, 6
    assert macs_of(network, size) == vitspace.cost(spec, size, 3, name).macs


def test_the_breakdown_adds_up():
    whole = vitspace.cost(backbone("mat_1"), ODD, task="upernet")
    parts = whole.breakdown()
    assert sum(part.macs for _, part in parts) == whole.macs and sum(part.params for _, part in parts) == whole.params
    assert [name for name, _ in parts][-3:] == ["neck", "fusion", "auxiliary"]
    assert dict(parts)["auxiliary"].macs == 0 < dict(parts)["auxiliary"].params
    assert 0 < whole.backbone.macs < whole.macs and "neck" in whole._repr_html_()


def test_an_image_may_stand_upright_or_lie():
    lying, upright = (vitspace.cost("resnet18", size, task="retinanet") for size in ((800, 1280), (1280, 800)))
    assert isinstance(lying, DenseCost) and lying.macs == upright.macs


def test_classification_is_counted_as_before():
    from vitspace.costs import cost

    spec = backbone("mat_1")
    assert vitspace.cost(spec) == cost(spec) and vitspace.cost(spec, 96, 10) == cost(spec, 96, 10)


def test_vt_fpn_saves_what_the_paper_prints_against_fpn():
    for name, printed in (("resnet50:caffe", 1.41), ("resnet101:caffe", 1.25)):
        found = {task: vitspace.cost(name, task=task) for task in ("fpn", "vt-fpn")}
        assert found["fpn"].macs / found["vt-fpn"].macs == pytest.approx(printed, abs=0.006)
        neck = {task: dict(each.breakdown())["neck"].macs for task, each in found.items()}
        assert neck["fpn"] / neck["vt-fpn"] == pytest.approx(6.45, abs=0.05)  # the paper: 6.4 to 6.5


def test_a_misspelt_task_is_refused():
    with pytest.raises(InputError, match="did you mean mask-rcnn"):
        vitspace.cost(backbone("mat_1"), task="mask-rcn")
    with pytest.raises(InputError, match="a dense task is one of cascade-mask-rcnn"):
        load("classification")
