"""A dense task at a size: what its head costs is a sum over the backbone's maps, and it says what it runs."""

import pytest

import vitspace
from vitspace.costs.networks import count_body
from vitspace.errors import InputError
from vitspace.tasks.dense import DenseTask
from vitspace.tasks.heads import DENSE

ODD = (75, 107)
#: Maps at strides 4 to 32, with messengers, and one whose last map lies at stride 16.
BACKBONES = ("mat_3", "msg_tiny", "vt_r18")


@pytest.mark.parametrize("task", DENSE)
@pytest.mark.parametrize("size", [ODD, (96, 160)])
def test_a_head_is_a_sum_over_the_maps_that_it_is_handed(task, size):
    dense = DenseTask.of(task, size)
    for name in BACKBONES:
        spec = vitspace.anchor(name).spec
        parts = [dense.level(number, shape) for number, shape in enumerate(count_body(spec, size).maps)]
        total, costs = sum(parts, dense.head()), dense.cost(spec)
        whole = costs.head + costs.neck
        names = ("params", "macs", "activations", "attention_macs")
        assert [getattr(total, each) for each in names] == [getattr(whole, each) for each in names], name


def test_it_has_the_tasks_own_size_and_classes_where_none_are_given():
    dense = DenseTask.of("semantic-fpn")
    assert (dense.size, dense.num_classes, dense.kind, dense.data) == ((512, 2048), 150, "segmentation", "ADE20K")
    assert str(dense) == "semantic-fpn at 512x2048 px, 150 classes"
    assert str(DenseTask.of("semantic-fpn", 64)) == "semantic-fpn at 64 px, 150 classes"


def test_classification_is_no_dense_task():
    assert DenseTask.of("classification", 64) is None


def test_it_costs_and_builds_as_by_name():
    spec, dense = vitspace.anchor("mat_1").spec, DenseTask.of("upernet", ODD)
    assert dense.cost(spec) == vitspace.cost(spec, ODD, task="upernet")
    assert sum(p.numel() for p in dense.build(spec).parameters()) == dense.cost(spec).params


def test_the_sections_are_the_whole():
    costs = DenseTask.of("mask-rcnn", ODD).cost(vitspace.anchor("mat_1").spec)
    assert (costs.backbone + costs.neck + costs.head).macs == costs.macs
    assert costs.neck.params > 0 and costs.head.macs > costs.backbone.macs


@pytest.mark.parametrize(("backend", "dtype"), [("onnxruntime", "float32"), ("eager", "bfloat16")])
def test_detectors_are_timed_by_pytorch_in_float32(backend, dtype):
    with pytest.raises(InputError, match=f"backend eager in float32, but got {backend} in {dtype} with retinanet"):
        DenseTask.of("retinanet").check_runs(backend, dtype)
    DenseTask.of("upernet").check_runs(backend, dtype)
