"""Networks of segmentation as files: graphs that compute what PyTorch does; detection is refused."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import vitspace
from vitspace.anchors import assemble
from vitspace.design import Design
from vitspace.errors import FailureError, InputError
from vitspace.export import ExportedModel, ExportRequest, export_design, parity_images
from vitspace.export.parity import check_parity

TASK, SIZE = "semantic-fpn", (32, 64)


@pytest.fixture(scope="module")
def design():
    stage = {"dim": [16, 16, 16, 16], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": 1, "window": 2}
    return Design("four", assemble("msg", stage))


@pytest.fixture(scope="module")
def trained(design, tmp_path_factory):
    """Weights of 4 classes, as a training leaves them."""
    path = tmp_path_factory.mktemp("weights") / "last.safetensors"
    torch.manual_seed(1)
    network = vitspace.build(design.spec, 4, SIZE, TASK)
    facts = {"spec_id": design.spec.id, "task": TASK, "img_size": 64, "miou": 81.5, "data": "masks:shapes", "epochs": 2}
    facts |= {"epoch": 2, "val_images": 40, "classes": list("0123"), "command": "vitspace train"}
    save_file(network.state_dict(), path, {"vitspace": json.dumps(facts)})
    return path


def test_a_graph_of_segmentation_gives_what_pytorch_gives(design, trained, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    out = tmp_path / "out"
    record = export_design(ExportRequest(design, ["onnx"], trained, img_size=SIZE, out=out))
    found = record["parity"]["onnx"]
    assert (record["task"], record["num_classes"], record["img_size"]) == (TASK, 4, SIZE)
    assert found["max_abs_error"] < 1e-4 * found["largest_score"] and found["batches"] == [1, 2]
    cost = vitspace.cost(design.spec, SIZE, 4, TASK)
    assert (record["params"], record["macs"]) == (cost.params, cost.macs)
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    [scores] = session.run(None, {"image": np.zeros((3, 3, *SIZE), np.float32)})
    assert scores.shape == (3, 4, *SIZE)
    assert load_file(out / "model.safetensors").keys() == load_file(trained).keys()
    card = (out / "README.md").read_text()
    assert "A network for semantic-fpn on 4 stages" in card and "mIoU 81.50 % on its 40 validation images" in card
    assert f'img_size={SIZE}, task="semantic-fpn")' in card and "top-1 on" not in card


def test_the_task_is_that_of_the_weights(design, trained):
    model = ExportedModel.of(design, trained)
    assert (model.task, model.img_size, model.network.num_classes) == (TASK, 64, 4)
    with pytest.raises(InputError, match=r"task is what the weights were trained for, semantic-fpn in .*, but got fpn"):
        ExportedModel.of(design, trained, task="fpn")


def test_an_untrained_network_has_the_tasks_classes_and_size(design):
    model = ExportedModel.of(design, task=TASK)
    assert (model.img_size, model.network.num_classes) == ((512, 2048), 150)


def test_a_graph_that_differs_in_a_pixel_is_refused(design, trained):
    model = ExportedModel.of(design, trained, SIZE)

    def run(images):
        with torch.no_grad():
            scores = model.network(torch.from_numpy(images)).numpy()
        scores[-1, 0, 3, 5] += 1
        return scores

    with pytest.raises(FailureError, match="but of four they differ by 1"):
        check_parity(model, parity_images(model), run, "a runtime")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"task": "mask-rcnn"},
            r"classification or a task of segmentation, but got mask-rcnn, which is detection; vitspace",
        ),
        ({"task": "simple-baseline"}, "which is keypoints"),
        ({"task": "semantic"}, "a task is one of classification"),
        (
            {"task": TASK, "formats": ["timm"]},
            "a format of semantic-fpn is one of spec, onnx, openvino, but got 'timm'",
        ),
        ({"task": TASK, "formats": ["onnx-int8"]}, "but got 'onnx-int8'"),
        ({"task": TASK, "data": "digits", "img_size": 64}, "semantic-fpn is compared on two photographs without it"),
    ],
)
def test_what_is_not_exported_is_refused(design, tmp_path, changes, message):
    request = ExportRequest(design, **({"formats": ["spec"], "out": tmp_path / "out"} | changes))
    with pytest.raises(InputError, match=message):
        export_design(request)
    assert not (tmp_path / "out").exists()
