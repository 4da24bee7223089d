"""vitspace train as a user runs it: what it prints, and what it says of bad input."""

import json

import pytest
from shapes import write_shapes


def test_an_interrupt_says_how_to_go_on(call, monkeypatch, tmp_path):
    def interrupted(request, monitor):
        raise KeyboardInterrupt

    monkeypatch.setattr("vitspace.training.train", interrupted)
    code, out, err = call("train", "mat_1", "--data", "digits", "--epochs", "1")
    assert code == 130 and out == ""
    assert "to go on:\n  vitspace train mat_1 --data digits --epochs 1 --resume" in err


def test_the_result_names_its_data_and_what_to_do_next(call, monkeypatch):
    result = {
        "name": "mat_1",
        "top1": 45.0,
        "best_top1": 46.0,
        "epoch": 2,
        "best_epoch": 1,
        "val_images": 500,
        "data": "digits",
        "img_size": 32,
        "weights": {"last": "trained/mat_1/last.safetensors"},
        "log": "trained/mat_1/log.csv",
    }
    monkeypatch.setattr("vitspace.training.train", lambda request, monitor: result)
    code, out, _ = call("train", "mat_1", "--data", "digits")
    assert code == 0 and "top-1 45.00 % on the 500 validation images of digits at 32 px after epoch 2" in out
    assert "vitspace export mat_1 --weights trained/mat_1/last.safetensors" in out
    assert json.loads(call("train", "mat_1", "--data", "digits", "--json")[1]) == result


def test_a_segmentation_is_trained_and_resumed_with_its_miou(call, tmp_path):
    write_shapes(tmp_path / "shapes", train=2, val=1, size=40)
    args = [
        "train",
        "mat_1",
        "--task",
        "semantic-fpn",
        "--data",
        "masks:shapes",
        "--recipe",
        "small",
        "--img-size",
        "32",
    ]
    args += ["--epochs", "1", "--batch-size", "2", "--workers", "0", "--device", "cpu"]
    code, out, _ = call(*args)
    assert code == 0 and ": mIoU " in out and "on the 1 validation images of masks:shapes at 32 px after epoch 1" in out
    assert "vitspace export mat_1 --weights trained/mat_1-semantic-fpn/last.safetensors" in out
    result = json.loads(call(*args, "--resume", "--json")[1])
    assert result["task"] == "semantic-fpn" and f"mIoU {result['miou']:.2f} %" in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mat_9", "--data", "digits"], "nearest: mat_"),
        (["mat_1", "--data", "imagenet"], "data is fractal"),
        (["mat_1", "--data", "imagefolder:none"], "there is no folder none/train"),
        (["mat_1", "--data", "masks:none"], "masks are trained on by a task of segmentation, --task semantic-fpn"),
        (["mat_1", "--data", "masks:none", "--task", "semantic-fpn"], "there is no folder none/train/images"),
        (["mat_1", "--data", "masks:none", "--task", "mask-rcnn"], "its training is left to the toolboxes"),
        (["mat_1", "--data", "digits", "--task", "fpn"], "data of segmentation is masks:DIR, but got 'digits'"),
        (["mat_1", "--data", "digits", "--recipe", "best"], "a recipe is paper, one of default"),
        (
            ["mat_1", "--data", "digits", "--img-size", "32"],
            "a batch is at most the 1297 training images, but got 4096",
        ),
        (["mat_1", "--data", "digits", "--img-size", "32", "--batch-size", "64", "--out", "file"], "can be written"),
        (["mat_1", "--data", "digits", "--device", "cuda:9"], "device is one of auto, cpu"),
        (["mat_1", "--data", "digits", "--resume", "--img-size", "32", "--batch-size", "64"], "has none"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(call, tmp_path, args, message):
    (tmp_path / "file").touch()
    code, out, err = call("train", *args)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and message in errors[0] and out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_negative_seed_is_refused(call):
    code, out, err = call("train", "mat_1", "--data", "digits", "--seed", "-1")
    assert code == 2 and "'--seed'" in err and "Traceback" not in err and out == ""
