"""Networks of dense tasks: they build, run and train, from our backbones and timm's."""

import pytest
import torch

import vitspace
from vitspace.errors import InputError
from vitspace.spec import Spec
from vitspace.tasks.heads import DENSE, task_of

#: Sides that no stride divides.
ODD = (75, 107)


def backbone():
    return vitspace.anchor("mat_1").spec


def of_kind(kind):
    return [name for name in DENSE if task_of(name).kind == kind]


def detection_targets(first_label):
    boxes = torch.tensor([[4.0, 6.0, 60.0, 50.0], [20.0, 10.0, 90.0, 70.0]])
    masks = torch.zeros(2, *ODD, dtype=torch.uint8)
    masks[:, 20:40, 25:55] = 1
    return {"boxes": boxes, "labels": torch.tensor([first_label, first_label + 2]), "masks": masks}


def no_gradient(network):
    return {name for name, p in network.named_parameters() if p.requires_grad and p.grad is None}


@pytest.mark.parametrize("name", of_kind("segmentation"))
def test_segmentation_scores_every_pixel_and_trains(name):
    network = vitspace.build(backbone(), num_classes=5, img_size=ODD, task=name)
    scores = network.train()(torch.randn(2, 3, *ODD))
    scores = scores if isinstance(scores, tuple) else (scores,)
    assert all(each.shape == (2, 5, *ODD) for each in scores)
    sum(each.square().mean() for each in scores).backward()
    assert no_gradient(network) == set()


@pytest.mark.parametrize("name", of_kind("segmentation"))
def test_segmentation_gives_one_map_of_scores_when_it_is_used(name):
    network = vitspace.build(backbone(), num_classes=5, img_size=ODD, task=name).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 3, *ODD)).shape == (1, 5, *ODD)


@pytest.mark.parametrize("name", of_kind("keypoints"))
def test_keypoints_are_heat_maps_at_a_quarter_of_the_crop(name):
    network = vitspace.build(backbone(), task=name)
    heat = network(torch.randn(2, 3, 96, 64))
    assert heat.shape == (2, 17, 24, 16)
    assert network.eval()(torch.randn(1, 3, *ODD)).shape == (1, 17, 24, 32)  # 8 times the last map of 3 x 4
    heat.square().mean().backward()
    assert no_gradient(network) == set()


def with_few_regions(network):
    """Let a detector of two steps look at few regions, so that the test is quick."""
    if hasattr(network, "rpn"):
        network.rpn._pre_nms_top_n = network.rpn._post_nms_top_n = {"training": 6, "testing": 6}
        heads = network.roi_heads
        for rules in getattr(heads, "rules", [heads]):
            rules.fg_bg_sampler.batch_size_per_image, rules.detections_per_img = 4, 2
    return network


@pytest.mark.parametrize("name", of_kind("detection"))
def test_detection_trains_by_its_losses(name):
    torch.manual_seed(0)
    network = with_few_regions(vitspace.build(backbone(), num_classes=4, img_size=ODD, task=name)).train()
    first_label = 0 if name == "retinanet" else 1
    losses = network([torch.rand(3, *ODD), torch.rand(3, *ODD)], [detection_targets(first_label)] * 2)
    assert losses and all(loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    read = {name for name in no_gradient(network) if not name.startswith("backbone.body.")}
    assert read == set()


@pytest.mark.parametrize("name", of_kind("detection"))
def test_detection_gives_boxes_inside_the_image(name):
    torch.manual_seed(0)
    network = with_few_regions(vitspace.build(backbone(), num_classes=4, img_size=ODD, task=name)).eval()
    with torch.no_grad():
        found = network([torch.rand(3, *ODD)])[0]
    assert {"boxes", "labels", "scores"} <= found.keys()
    assert found["boxes"].shape[1] == 4 and (found["boxes"] >= 0).all()
    assert (found["boxes"][:, ::2] <= ODD[1] + 1e-3).all() and (found["boxes"][:, 1::2] <= ODD[0] + 1e-3).all()
    if "rcnn" in name:
        assert found["masks"].shape[1:] == (1, *ODD)


@pytest.mark.parametrize("name", ["msg_tiny", "emsnet_xxtiny", "partialformer_b0", "transcnn_small", "vt_r18"])
def test_every_family_is_a_backbone(name):
    network = vitspace.build(vitspace.anchor(name).spec, num_classes=3, img_size=ODD, task="semantic-fpn")
    assert network.eval()(torch.randn(1, 3, *ODD)).shape == (1, 3, *ODD)


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50:caffe", "pvt_v2_b0", "swin_tiny_patch4_window7_224", "maxvit_nano_rw_256"]
)
def test_networks_of_timm_are_backbones(name):
    network = vitspace.build(name, num_classes=3, img_size=ODD, task="semantic-fpn")
    assert network.eval()(torch.randn(1, 3, *ODD)).shape == (1, 3, *ODD)


def test_networks_of_other_strides_are_no_backbones(monkeypatch):
    monkeypatch.setattr("vitspace.tasks.pyramid.STRIDES", (4, 8, 16, 32, 64))
    with pytest.raises(InputError, match=r"at strides \(4, 8, 16, 32, 64\), but those of resnet18 lie at \(2, 4, 8"):
        vitspace.build("resnet18", task="semantic-fpn")


def test_a_spec_of_three_stages_is_no_backbone():
    spec = backbone()
    short = Spec(spec.stem, spec.stages[:3], spec.head)
    with pytest.raises(InputError, match="a dense task takes 4 maps, but the spec has 3 stages"):
        vitspace.build(short, task="semantic-fpn")


def test_classification_is_built_as_before():
    network = vitspace.build(backbone(), num_classes=7)
    assert network.eval()(torch.randn(1, 3, 64, 64)).shape == (1, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "semantic_fpn"}, "did you mean semantic-fpn"),
        ({"task": "yolo"}, "a task is one of classification, cascade-mask-rcnn"),
        ({"task": "upernet", "num_classes": 0}, "num_classes of upernet is at least 1, but got 0"),
        ({"task": "upernet", "num_classes": 2.5}, "num_classes of upernet is a whole number, but got 2.5"),
        ({"task": "upernet", "num_classes": True}, "num_classes of upernet is a whole number, but got True"),
        ({"task": "upernet", "in_chans": 4}, "a network of upernet takes drop_path_rate, but got in_chans"),
        ({"num_classes": 2.5}, "num_classes is a whole number, but got 2.5"),
        ({"num_classes": "10"}, "num_classes is a whole number, but got '10'"),
        ({"in_chans": 0}, "in_chans is at least 1, but got 0"),
        ({"in_chans": 1.5}, "in_chans is a whole number, but got 1.5"),
        ({"task": "upernet", "img_size": (16, 512)}, "a side of an image is 32 to 4096 pixels, but got 16"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        vitspace.build(backbone(), **arguments)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet500", "timm's name of a network, but got 'resnet500'; nearest: resnet"),
        ("mat_1", r"as its spec, vitspace.anchor\('mat_1'\).spec, but got its id 'mat_1'"),
        (3, "a backbone is a spec, or timm's name of a network, but got 3"),
        ("vit_tiny_patch16_224", r"at strides \(4, 8, 16, 32\), but those of vit_tiny_patch16_224 lie at \(16, 16"),
        ("xcit_nano_12_p16_224", r"but those of xcit_nano_12_p16_224 lie at \(16, 16"),
        ("resnet18:caffe", ":caffe is for ResNets of bottlenecks"),
    ],
)
def test_what_is_no_backbone_is_refused(name, message):
    for ask in (vitspace.build, vitspace.cost):
        with pytest.raises(InputError, match=message):
            ask(name, task="semantic-fpn")
