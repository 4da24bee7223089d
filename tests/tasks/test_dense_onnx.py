"""Networks of segmentation and keypoints as ONNX graphs, against PyTorch; an export takes half a minute."""

import numpy as np
import pytest
import torch

import vitspace
from vitspace.latency.backends import onnx_bytes

SIZE = (64, 96)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fpn", "semantic-fpn", "simple-baseline", "upernet", "vt-fpn"])
def test_onnxruntime_gives_what_pytorch_gives(name):
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    network = vitspace.build(vitspace.anchor("mat_1").spec, num_classes=5, img_size=SIZE, task=name).eval()
    image = torch.randn(1, 3, *SIZE)
    session = onnxruntime.InferenceSession(onnx_bytes(network, image), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    with torch.no_grad():
        wanted = network(image).numpy()
    assert found.shape == wanted.shape and np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()
