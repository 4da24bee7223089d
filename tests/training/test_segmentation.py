"""Trainings of segmentation on shapes: their mIoU rises, and what is resumed ends as what is not interrupted."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from noting import Notes
from PIL import Image
from safetensors.torch import load_file
from shapes import write_shapes

import vitspace
from vitspace.anchors import assemble
from vitspace.design import Design
from vitspace.errors import InputError
from vitspace.training import Overrides, train
from vitspace.training.goals import AUXILIARY, OfPixels, PixelLoss
from vitspace.training.images import Order, train_loader, val_batches
from vitspace.training.loading import HERE, Loading
from vitspace.training.loop import Loop
from vitspace.training.masks import open_masks
from vitspace.training.plan import make_plan
from vitspace.training.processes import ProcessGroup
from vitspace.training.recipe import Recipe, load_recipe

OVERRIDES = Overrides(epochs=2, batch_size=8, lr=2e-3, img_size=32)


@pytest.fixture(scope="module")
def backbone():
    stage = {"dim": [16, 16, 16, 16], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": 1, "window": 2}
    return Design("four", assemble("msg", stage))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("shapes"), train=24, val=6, size=48)


@pytest.fixture
def segment(ask, backbone, shapes):
    """A request for a training of six updates, with changes."""

    def make(**changes):
        defaults = {"design": backbone, "data": f"masks:{shapes}", "task": "semantic-fpn", "recipe": "small"}
        return ask(**(defaults | {"overrides": OVERRIDES} | changes))

    return make


def interrupt():
    raise KeyboardInterrupt


def rows(request):
    return list(csv.DictReader((request.out / "log.csv").read_text().splitlines()))


def test_miou_rises(segment):
    request = segment(overrides=replace(OVERRIDES, epochs=8))
    result = train(request, notes := Notes())
    mious = [float(row["miou"]) for row in rows(request)]
    assert result["miou"] == mious[-1] > mious[0] + 5 and result["best_miou"] == max(mious)
    losses = [float(row["val_loss"]) for row in rows(request)]
    assert losses[-1] < losses[0]
    assert (result["task"], result["classes"], result["val_images"]) == ("semantic-fpn", 4, 6)
    assert json.loads((request.out / "train.json").read_text()) == result
    assert any(", mIoU " in line for line in notes.lines) and "for semantic-fpn on masks:" in notes.lines[0]


def resumed(request, at):
    """Interrupt a training at an update, and end it."""
    with pytest.raises(KeyboardInterrupt):
        train(request, Notes(at, interrupt))
    train(replace(request, resume=True), Notes())
    return rows(request)


def test_a_resumed_training_gives_the_same_numbers_as_one_without_a_break(segment):
    whole = segment()
    train(whole, Notes())
    parted = replace(whole, out=whole.out.with_name("parted"))
    timed = {"images_per_second", "seconds"}
    parts = [
        [{k: v for k, v in row.items() if k not in timed} for row in each] for each in (rows(whole), resumed(parted, 3))
    ]
    assert parts[0] == parts[1] and len(parts[0]) == 2
    one, other = (load_file(request.out / "last.safetensors") for request in (whole, parted))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_training_is_resumed_within_an_epoch_but_not_for_another_task(segment):
    request = segment()
    assert len(resumed(request, 4)) == 2  # what is left of the epoch is augmented anew
    with pytest.raises(InputError, match="a resumed training keeps its task, 'semantic-fpn', but got 'fpn'"):
        train(replace(request, task="fpn", resume=True), Notes())


def test_a_backbone_begins_with_weights_of_classification(ask, segment, backbone, tmp_path):
    train(
        first := ask(design=backbone, recipe="small", out=tmp_path / "labels", overrides=replace(OVERRIDES, epochs=1)),
        Notes(),
    )
    trained = load_file(first.out / "last.safetensors")
    still = replace(OVERRIDES, epochs=1, lr=1e-12)
    request = segment(init=first.out / "last.safetensors", overrides=still)
    train(request, notes := Notes())
    assert any(line.endswith(", with a new head of semantic-fpn") for line in notes.lines)
    begun = load_file(request.out / "last.safetensors")
    learnt = [
        n for n in trained if n.startswith(("stem.", "stages.")) and "running" not in n and "num_batches" not in n
    ]
    assert any(name.startswith("stages.3.") for name in learnt)
    assert all(torch.allclose(begun[f"backbone.{name}"], trained[name], atol=1e-6) for name in learnt)
    other = segment(init=request.out / "last.safetensors", overrides=still, task="vt-fpn", out=tmp_path / "other")
    train(other, notes := Notes())
    assert any(line.endswith(", with a new head of vt-fpn") for line in notes.lines)
    again = segment(init=request.out / "last.safetensors", overrides=still, out=tmp_path / "again", num_classes=6)
    train(again, notes := Notes())
    assert any(line.endswith(", with a new head of 6 classes") for line in notes.lines)
    with pytest.raises(
        InputError, match=r"classification begins with its own weights, but .* has those of semantic-fpn"
    ):
        train(ask(design=backbone, init=request.out / "last.safetensors", out=tmp_path / "back"), Notes())


@pytest.mark.parametrize("task", ["fpn", "upernet", "vt-fpn"])
def test_other_heads_train(segment, task, tmp_path):
    few = write_shapes(tmp_path / "few", train=2, val=1, size=40)
    result = train(
        segment(task=task, data=f"masks:{few}", overrides=Overrides(epochs=1, batch_size=2, img_size=32)), Notes()
    )
    assert 0 <= result["miou"] < 100 and 0 < result["val_loss"] < 10


def test_broken_images_are_skipped_and_counted(segment, tmp_path):
    folder = write_shapes(tmp_path / "shapes", train=9, val=3, size=48)
    for split in ("train", "val"):
        (folder / split / "images" / "0001.jpg").write_bytes(b"no image")
    result = train(segment(data=f"masks:{folder}"), Notes())
    assert (result["val_images"], result["skipped_images"]) == (2, {"train": 1, "val": 1})


def test_masks_move_with_their_images(tmp_path):
    """Where the image is bright the mask is 1, where it is dark 2, and where it is neither it has no class."""
    for split in ("train", "val"):
        for part in ("images", "masks"):
            (tmp_path / split / part).mkdir(parents=True)
        for index in range(4):
            pixels = np.zeros((40, 60), np.uint8)
            pixels[:, 30:] = 255
            Image.fromarray(pixels).convert("RGB").save(tmp_path / split / "images" / f"{index}.png")
            Image.fromarray(np.where(pixels > 0, 1, 2).astype(np.uint8)).save(
                tmp_path / split / "masks" / f"{index}.png"
            )
    images = open_masks(f"masks:{tmp_path}")
    recipe = Recipe(img_size=48, color_jitter=0.0, interpolation="bilinear")
    torch.manual_seed(0)
    right, padded = [], []
    for _ in range(6):
        for pixels, masks in train_loader(images, recipe, Order(4, 4, 0), 2, HERE, pin=False):
            assert pixels.shape == (2, 3, 48, 48) and masks.shape == (2, 48, 48) and masks.dtype == torch.int64
            grey = pixels[:, 0]
            right += [grey[masks == 1] > 1.5, grey[masks == 2] < -1.5]
            padded.append(grey[masks == 255].abs())
    assert torch.cat(right).float().mean() > 0.9  # the others lie at the edge
    beside = torch.cat(padded)
    assert len(beside) and beside.max() < 0.02 and not all(map(len, padded))
    [(pixels, masks), *_] = val_batches(images, recipe, 1)
    assert pixels.shape == (1, 3, 48, 72) and masks.shape == (1, 40, 60)
    small = recipe.model_copy(update={"img_size": 8})
    largest = max(pixels.nbytes + masks.nbytes for pixels, masks in val_batches(images, small, 1))
    assert masks.nbytes < largest <= images.batch_bytes(small, 2)


@pytest.mark.parametrize("parts", [2, 4])
def test_pixels_count_alike_in_whichever_part_of_a_batch_they_are(shapes, parts):
    """Small images leave much of a crop without a class, and not alike."""
    _, recipe = load_recipe("small", "")
    images, ended = open_masks(f"masks:{shapes}"), []
    for micro_batch in (8, 8 // parts):
        plan = make_plan(recipe, replace(OVERRIDES, epochs=1, img_size=96, micro_batch=micro_batch), 24, 1)
        torch.manual_seed(0)
        loop = Loop(torch.nn.Conv2d(3, 4, 1), plan, images, ProcessGroup(0, 1, torch.device("cpu")), seed=0)
        ended.append((loop.run_epoch(0, lambda: None), loop.network.weight))
    (whole, of_whole), (parted, of_parts) = ended
    assert parted == pytest.approx(whole, rel=1e-5)
    torch.testing.assert_close(of_parts, of_whole, rtol=1e-4, atol=1e-6)


def test_wrong_weights_are_told_of_before_the_batch(ask, segment, tmp_path):
    once = replace(OVERRIDES, epochs=1)
    train(first := ask(recipe="small", out=tmp_path / "labels", overrides=once), Notes())
    overrides = replace(OVERRIDES, micro_batch=1)
    with pytest.raises(InputError, match="weights have the spec's names and shapes"):
        train(segment(task="upernet", overrides=overrides, init=first.out / "last.safetensors"), Notes())


@pytest.mark.parametrize("how", [Loading(1), Loading(1, pipes=True)])
def test_masks_come_from_other_processes_alike(shapes, how):
    images, recipe = open_masks(f"masks:{shapes}"), Recipe(img_size=32)
    for one, other in zip(val_batches(images, recipe, 1), val_batches(images, recipe, 1, how), strict=True):
        assert all(torch.equal(*each) and each[0].dtype == each[1].dtype for each in zip(one, other, strict=True))


def test_miou_is_the_mean_over_classes_that_occur():
    goal = OfPixels(4)
    masks = torch.tensor([[[0, 0, 1], [1, 255, 1]]])
    scores = torch.nn.functional.one_hot(torch.tensor([[[0, 1, 1], [1, 3, 0]]]), 4).permute(0, 3, 1, 2).float()
    loss, counts = goal.judged(scores, masks)
    pixels, miou = goal.verdict(counts + counts)
    assert pixels == 10 and miou == pytest.approx(100 * (1 / 3 + 2 / 4) / 2)  # class 0: 1 of 3 pixels; class 1: 2 of 4
    right = torch.log_softmax(torch.tensor([1.0, 0, 0, 0]), 0)
    assert loss.item() == pytest.approx(-(3 * right[0] + 2 * right[1]).item())


def test_scores_are_judged_at_the_size_of_the_mask():
    scores = torch.zeros(1, 2, 3, 4)
    scores[:, 0, :, :2] = scores[:, 1, :, 2:] = 9
    masks = torch.tensor([0, 0, 0, 1, 1, 1]).expand(1, 6, 6)
    assert OfPixels(2).verdict(OfPixels(2).judged(scores, masks)[1]) == (36, 100)


def test_the_loss_is_of_pixels_that_have_a_class():
    scores, masks = torch.randn(2, 3, 4, 4), torch.full((2, 4, 4), 255)
    assert PixelLoss()(scores, masks) == 0
    masks[0, 0, :2] = 1
    wanted = torch.nn.functional.cross_entropy(scores[0, :, 0, :2].T, torch.tensor([1, 1]))
    assert PixelLoss()(scores, masks).item() == pytest.approx(wanted.item())
    assert PixelLoss()((scores, scores), masks).item() == pytest.approx((1 + AUXILIARY) * wanted.item())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"task": "mask-rcnn"},
            r"of segmentation \(fpn, semantic-fpn, upernet, vt-fpn\), but got mask-rcnn, which is dete",
        ),
        ({"task": "semantic"}, "a task is one of classification"),
        ({"data": "digits"}, "data of segmentation is masks:DIR, but got 'digits'"),
        (
            {"task": "classification", "recipe": "small"},
            "masks are trained on by a task of segmentation, --task semantic-f",
        ),
        ({"task": "classification", "data": "digits", "num_classes": 3}, "num-classes is of masks; .* but got 3"),
        (
            {"recipe": "mat"},
            "mixup is for classification, and mat has 0.1; --recipe segmentation and small are without",
        ),
        ({"num_classes": 3}, "values of masks are classes, 0 to 2, or 255 for none, but .* has 3 in"),
        (
            {"task": "upernet", "overrides": replace(OVERRIDES, micro_batch=1)},
            "upernet trains on at least 2 images at once",
        ),
        ({"overrides": replace(OVERRIDES, batch_size=25)}, "a batch is at most the 24 training images, but got 25"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_leaves_nothing(segment, changes, message):
    request = segment(**changes)
    with pytest.raises(InputError, match=message):
        train(request, Notes())
    assert not request.out.exists()


def test_three_stages_are_no_backbone(segment):
    stage = {"dim": [16, 16, 16], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": 1}
    with pytest.raises(InputError, match="a dense task takes 4 maps, but the spec has 3 stages"):
        train(segment(design=Design("three", assemble("msg", stage))), Notes())


def test_segmentation_has_a_recipe_of_its_own(segment, backbone):
    request = segment(recipe="paper", overrides=replace(OVERRIDES, epochs=1))
    train(request, notes := Notes())
    assert any(line.startswith("recipe segmentation: Semantic FPN on ADE20K") for line in notes.lines)
    assert float(rows(request)[0]["lr"]) == pytest.approx(2e-3 * (1 - 2 / 3) ** 0.9)  # of the third of three updates
    assert (
        vitspace.build(backbone.spec, 4, 32, "semantic-fpn").state_dict().keys()
        == load_file(request.out / "last.safetensors").keys()
    )
