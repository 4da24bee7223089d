"""vitspace export as a user runs it."""

import json
import subprocess
import sys

import pytest


def test_an_anchor_is_exported_and_its_module_runs(call, tmp_path):
    code, out, _ = call("export", "mat_1", "--format", "timm", "--json")
    data = json.loads(out)
    assert code == 0 and data["out"] == "exports/mat_1" and data["trained"] is None
    assert set(data["files"]) == {"spec", "timm", "card", "record"} and data["anchor"] == "mat_1"
    assert data["command"] == "vitspace export mat_1 --format timm --json"
    text = (tmp_path / data["files"]["card"]).read_text()
    assert "It is not trained" in text and "published" in text
    done = subprocess.run([sys.executable, data["files"]["timm"]], capture_output=True, text=True, check=True)
    assert f"{data['params']:,} params, {data['macs']:,} multiply-adds at 224 x 224, 1000 classes" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mat_9"], "nearest: mat_"),
        (["msg-4G", "--trial", "3"], "there is no file 'studies.journal'"),
        (
            ["mat_1", "--format", "torch"],
            "one of spec, timm, onnx, openvino, onnx-int8, openvino-int8, but got 'torch'",
        ),
        (["mat_1", "--task", "mask-rcnn"], "but got mask-rcnn, which is detection; vitspace.build builds its network"),
        (
            ["mat_1", "--task", "fpn", "--format", "timm"],
            "a format of fpn is one of spec, onnx, openvino, but got 'timm'",
        ),
        (["mat_1", "--weights", "none.safetensors"], "there is none at 'none.safetensors'"),
        (["mat_1", "--format", "spec", "--out", "file/out"], "an export needs a folder that can be written"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(call, tmp_path, args, message):
    (tmp_path / "file").touch()
    code, out, err = call("export", *args)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and message in errors[0] and out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_number_of_classes_is_printed(call):
    assert ", 1,000 classes, not trained\n" in call("export", "mat_1", "--format", "spec")[1]
    assert (
        ", 20 classes, not trained\n"
        in call("export", "mat_1", "--format", "spec", "--num-classes", "20", "--force")[1]
    )
