"""Trainings of a few updates on a few images."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from noting import Notes
from PIL import Image
from safetensors.torch import load_file, save_file

from vitspace.data import load_data
from vitspace.design import find_design
from vitspace.errors import FailureError, InputError
from vitspace.export import ExportedModel
from vitspace.network import build
from vitspace.training import Overrides, train
from vitspace.training.images import OnDisk, Order, labelled, open_images, train_loader, val_batches
from vitspace.training.loading import HERE
from vitspace.training.processes import ProcessGroup
from vitspace.training.recipe import Recipe
from vitspace.training.run import Training
from vitspace.training.weights import read_weights

JSON_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"


def interrupt():
    raise KeyboardInterrupt


def test_a_training_leaves_weights_log_and_state(ask, tmp_path):
    notes = Notes()
    result = train(ask(), notes)
    out = tmp_path / "out"
    files = {"settings.json", "state.pt", "best.safetensors", "last.safetensors", "log.csv", "train.json"}
    assert {path.name for path in out.iterdir()} == files
    rows = list(csv.DictReader((out / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[-1]["top1"]) == result["top1"]
    assert (result["train_images"], result["val_images"], result["classes"], result["epochs"]) == (35, 9, 3, 2)
    assert json.loads((out / "train.json").read_text()) == result
    [listed] = re.findall(r"## `vitspace train`\n\n`\{(.*?)\}`", JSON_PAGE.read_text(), re.DOTALL)
    assert list(result) == listed.replace("\n", " ").split(", ")
    said = " ".join(notes.lines)
    assert "recipe msg" in said and "not as the recipe: 2 epochs for 300" in said and "epoch 2 of 2" in said


@pytest.mark.parametrize(("at_once", "losses"), [(None, [1.156008879, 1.044143677]), (4, [1.160442511, 1.069964806])])
def test_losses_are_those_before_short_trainings_took_the_same_step(ask, tmp_path, at_once, losses):
    train(ask(overrides=replace(ask().overrides, micro_batch=at_once)), Notes())
    rows = csv.DictReader((tmp_path / "out" / "log.csv").read_text().splitlines())
    assert [float(row["train_loss"]) for row in rows] == pytest.approx(losses, rel=2e-3)


def test_weights_say_what_they_are_and_export(ask, design):
    request = ask()
    result = train(request, Notes())
    model = ExportedModel.of(design, request.out / "last.safetensors")
    assert model.facts["classes"] == ["c1", "c10", "c2"] and model.facts["top1"] == result["top1"]
    best = ExportedModel.of(design, request.out / "best.safetensors")
    assert "selected" not in model.facts and best.facts["selected"]
    assert model.img_size == 32 and model.facts["spec_id"] == design.spec.id
    images = open_images(request.data, 32)
    right = 0
    with torch.no_grad():
        for inputs, labels in val_batches(images, Recipe(img_size=32), 4):
            right += int((model.network(inputs).argmax(1) == labels).sum())
    assert 100 * right / 9 == pytest.approx(result["top1"])


def test_images_that_cannot_be_read_are_skipped_counted_and_named_once(ask, photos, tmp_path, caplog):
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "val" / "c2" / "1.png").write_bytes(b"no image")
    request = ask(data=f"imagefolder:{tmp_path / 'photos'}")
    result = train(request, notes := Notes())
    assert (result["train_images"], result["val_images"]) == (35, 8)
    assert result["skipped_images"] == {"train": 1, "val": 1}
    assert result["top1"] in [pytest.approx(100 * right / 8) for right in range(9)]
    named = [message for message in caplog.messages if "which cannot be read" in message]
    assert len(named) == 2 and "c1/0.png" in named[0] and "c2/1.png" in named[1]
    assert "2 files skipped, which cannot be read" in notes.lines[-1]
    again = train(replace(request, resume=True), Notes())
    assert (again["val_images"], again["skipped_images"]) == (8, {"train": 1, "val": 1})


def test_many_broken_images_in_a_row_are_stepped_over(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(1500)]
    for path in paths[:-1]:
        path.write_bytes(b"")
    Image.new("RGB", (8, 8)).save(paths[-1])
    images = OnDisk(labelled({"c1": paths[:-1], "c2": paths[-1:]}), stands_in=True)
    assert images[0][1] == 1 and images.skipped == 1499
    with pytest.raises(InputError, match="none of 1499 can"):
        OnDisk(labelled({"c1": paths[:-1]}), stands_in=True)[0]


def test_a_training_interrupted_between_epochs_ends_in_the_same_weights(ask):
    whole = ask()
    train(whole, Notes())
    parted = replace(whole, out=whole.out.with_name("parted"))
    with pytest.raises(KeyboardInterrupt):
        train(parted, notes := Notes(3, interrupt))
    assert "saved after 3 of 6 updates" in notes.lines[-1]
    train(replace(parted, resume=True), notes := Notes())
    assert any("going on after 3 of 6 updates" in line for line in notes.lines)
    one, other = (load_file(request.out / "last.safetensors") for request in (whole, parted))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_training_interrupted_within_an_epoch_goes_on_with_the_images_left(ask):
    request = ask()
    with pytest.raises(KeyboardInterrupt):
        train(request, Notes(5, interrupt))
    result = train(replace(request, resume=True), Notes())
    assert result["epoch"] == 2
    order = Order(20, 18, seed=0, rank=1, world=3)
    every = list(order)
    order.first = 4
    assert list(order) == every[4:] and len(order) == 2
    ranks = [list(Order(20, 18, 0, rank, 3)) for rank in range(3)]
    assert len(set().union(*ranks)) == 18


def test_a_training_that_began_with_weights_keeps_their_normalisation_when_it_is_resumed(ask, design, tmp_path):
    facts = {"mean": [0.1, 0.2, 0.3], "std": [0.9, 0.8, 0.7]}
    weights = build(design.spec, 3).state_dict()
    save_file(weights, tmp_path / "w.safetensors", {"vitspace": json.dumps(facts)})
    whole = ask(init=tmp_path / "w.safetensors")
    train(whole, Notes())
    parted = replace(whole, out=whole.out.with_name("parted"))
    with pytest.raises(KeyboardInterrupt):
        train(parted, Notes(3, interrupt))
    (tmp_path / "w.safetensors").unlink()
    train(replace(parted, resume=True), Notes())
    one, other = (load_file(request.out / "last.safetensors") for request in (whole, parted))
    assert all(torch.equal(one[name], other[name]) for name in one)
    kept = read_weights(parted.out / "last.safetensors").facts
    assert {name: kept[name] for name in facts} == facts


def test_a_finished_training_resumed_gives_its_result(ask):
    request = ask()
    result = train(request, Notes())
    assert train(replace(request, resume=True), Notes())["top1"] == result["top1"]


def test_a_folder_that_is_taken_or_of_another_training_is_refused(ask):
    request = ask()
    with pytest.raises(InputError, match=r"--resume goes on with a training, but .* has none"):
        train(replace(request, resume=True), Notes())
    train(request, Notes())
    with pytest.raises(InputError, match="--resume goes on"):
        train(request, Notes())
    with pytest.raises(InputError, match="a resumed training keeps its seed, 0, but got 1"):
        train(replace(request, resume=True, seed=1), Notes())
    (request.out / "state.pt").write_bytes(b"none")
    with pytest.raises(InputError, match=r"state.pt is no state of a training"):
        train(replace(request, resume=True), Notes())


def test_a_training_resumed_on_other_images_is_refused(ask, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    request = ask(data=f"imagefolder:{tmp_path / 'photos'}")
    train(request, Notes())
    shutil.copy(photos / "val" / "c1" / "0.png", tmp_path / "photos" / "train" / "c1" / "more.png")
    with pytest.raises(InputError, match=r"a resumed training keeps its train_images, 36, but got 37$"):
        train(replace(request, resume=True), Notes())
    for split in ("train", "val"):
        shutil.copytree(photos / split / "c2", tmp_path / "photos" / split / "c3")
    with pytest.raises(InputError, match=r"val_images, 9, but got 12; its classes 3, None, but got 'c3'$"):
        train(replace(request, resume=True), Notes())


def test_a_resumed_recipe_is_refused_by_the_fields_that_differ(ask):
    train(ask(), Notes())
    with pytest.raises(InputError, match=r"a resumed training keeps its recipe lr, 0.002, but got 0.001$"):
        train(ask(resume=True, overrides=Overrides(epochs=2, batch_size=12, lr=1e-3, img_size=32)), Notes())


def test_a_state_that_does_not_say_its_images_is_gone_on_with(ask):
    request = ask()
    train(request, Notes())
    state = torch.load(request.out / "state.pt", weights_only=True)
    settings = json.loads(state["settings"])
    kept = {name: settings[name] for name in ("spec_id", "data", "seed", "recipe")}
    torch.save(state | {"settings": json.dumps(kept)}, request.out / "state.pt")
    assert train(replace(request, resume=True), Notes())["epoch"] == 2


def test_a_loss_that_is_no_number_stops_with_a_reason(ask):
    with pytest.raises(FailureError, match=r"the training loss is (nan|inf) by update .* in epoch 1; try a lower --lr"):
        train(ask(overrides=Overrides(2, 12, 1e30, 32)), Notes())


def test_a_training_that_left_no_state_is_begun_again_in_its_folder(ask):
    failing = ask(overrides=Overrides(2, 12, 1e30, 32))
    for _ in range(2):
        with pytest.raises(FailureError, match="try a lower --lr"):
            train(failing, Notes())
        assert [path.name for path in failing.out.iterdir()] == ["settings.json"]
    with pytest.raises(InputError, match="has none: it stopped before its first checkpoint; without --resume it"):
        train(replace(failing, resume=True), Notes())
    assert train(ask(), Notes())["epoch"] == 2
    assert json.loads((failing.out / "settings.json").read_text())["recipe"]["lr"] == 2e-3


def test_a_spec_of_a_published_row_is_trained_by_the_rows_recipe(ask, tmp_path):
    (tmp_path / "mine.json").write_text(find_design("vt_r18_adv").spec.to_json())
    design, notes, place = find_design(str(tmp_path / "mine.json")), Notes(), ProcessGroup(0, 1, torch.device("cpu"))
    training = Training(ask(design=design), notes, place)
    assert training.recipe_name == "vt-table8"
    [said] = [line for line in notes.lines if line.startswith("recipe ")]
    assert said.startswith("recipe vt-table8: ") and "vt_r18_adv (visual-transformers-vt, table 8)" in said
    training = Training(ask(design=design, recipe="vt", out=tmp_path / "b"), notes, place)
    assert training.recipe_name == "vt" and "Taken since" not in notes.lines[-1]


def test_a_network_that_samples_at_no_number_stops_with_a_reason(ask):
    design = find_design("mat_1")
    with pytest.raises(FailureError, match=r"the training loss is (nan|inf) by update .* in epoch 1;"):
        train(ask(design=design, overrides=Overrides(2, 12, 1e30, 32)), Notes())


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_full_memory_says_which_option_helps(ask, monkeypatch, error):
    def full(*_):
        raise error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("vitspace.training.loop.Loop._update", full)
    with pytest.raises(FailureError, match=r"no memory is left on cpu with \d+ images at once; try --micro-batch"):
        train(ask(), Notes())


def test_a_full_disk_says_so_and_keeps_what_was_there(ask, monkeypatch):
    request = ask()
    with pytest.raises(KeyboardInterrupt):
        train(request, Notes(5, interrupt))
    before = (request.out / "state.pt").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vitspace.training.folder.torch.save", full)
    with pytest.raises(FailureError, match=r"No space left on device; what was written before is whole"):
        train(replace(request, resume=True), Notes())
    assert (request.out / "state.pt").read_bytes() == before
    assert not [path for path in request.out.iterdir() if path.name.startswith(".")]


def test_a_moving_average_is_what_is_validated_and_kept(ask, tmp_path):
    (tmp_path / "mine.yaml").write_text("ema: 0.9\nschedule: step\noptimizer: sgd\nmixup: 0\ncutmix: 0\n")
    request = ask(recipe=str(tmp_path / "mine.yaml"))
    train(request, Notes())
    state = torch.load(request.out / "state.pt", weights_only=True)
    kept = load_file(request.out / "last.safetensors")
    assert all(torch.equal(kept[name], tensor) for name, tensor in state["ema"].items())
    assert not all(torch.equal(kept[name], tensor) for name, tensor in state["network"].items())


def test_accumulated_batches_take_as_many_updates(ask):
    request = ask(overrides=Overrides(1, 12, 1e-3, 32, micro_batch=4))
    train(request, Notes())
    assert torch.load(request.out / "state.pt", weights_only=True)["done"] == 3


def test_a_set_that_does_not_mirror_is_not_mirrored():
    images = open_images("digits", 32)
    loader = train_loader(images, Recipe(img_size=32), Order(8, 8, 0), 4, HERE, pin=False)
    assert "HorizontalFlip" not in str(images.train.transform)
    inputs, labels = next(iter(loader))
    assert inputs.shape == (4, 3, 32, 32) and labels.dtype == torch.int64


def test_a_small_set_is_kept_small_and_shown_at_the_size_asked_for():
    images = open_images("digits", 32)
    assert images.train.images.shape[-2:] == (8, 8)
    whole = load_data("digits", 32)
    assert np.array_equal(np.asarray(images.val[3][0]), whole.val_images[3].permute(1, 2, 0))
    assert images.mean == pytest.approx((whole.train_images.float() / 255).mean((0, 2, 3)).tolist())


def test_images_of_16_bits_are_scaled_and_floating_point_ones_skipped(tmp_path):
    values = np.array([[0, 257 * 100], [257 * 200, 65535]])
    for kind, name in ((np.uint16, "0.png"), (np.int32, "1.tif"), (np.float32, "2.tif")):
        Image.fromarray(values.astype(kind)).save(tmp_path / name)
    images = OnDisk(labelled({"c1": sorted(tmp_path.iterdir())}), stands_in=False)
    for index in (0, 1):
        assert np.asarray(images[index][0])[..., 0].tolist() == [[0, 100], [200, 255]]
    assert images[2] is None and images.skipped == 1


def test_an_image_smaller_than_the_stride_is_refused(ask):
    with pytest.raises(InputError, match=r"img-size is at least the design's stride"):
        train(ask(overrides=Overrides(img_size=4)), Notes())


@pytest.mark.slow
def test_two_processes_train_as_one(design, photos, tmp_path):
    """Under torchrun, with gloo on the CPU; each reads a file that is broken, and both are counted."""
    photos = shutil.copytree(photos, tmp_path / "photos")
    (photos / "val" / "c1" / "1.png").write_bytes(b"no image")
    (tmp_path / "small.json").write_text(design.spec.to_json())
    options = ["--data", f"imagefolder:{photos}", "--epochs", "2", "--batch-size", "12", "--img-size", "32", "--json"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "vitspace", "train"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "small.json", *options, "--device", "cpu", "--workers", "0"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    assert (result["processes"], result["val_images"], result["epoch"]) == (2, 8, 2)
    assert result["skipped_images"] == {"train": 1, "val": 1}
    assert result["command"].startswith("torchrun --nproc-per-node 2 -m vitspace train small.json")


CHANGES = (
    *({"loss_sum": "x"}, {"rows": "{"}, {"rows": '[{"epoch": 1}]'}, {"network": {}}, {"done": 10**9}, {"done": -1}),
    *({"rows": "5"}, {"settings": "5"}, {"settings": 5}, {"mean": "abc"}, {"std": [0.0] * 3}, {"mean": [1.0]}),
)


def test_a_state_that_lacks_something_is_one_error(ask):
    train(ask(), Notes())
    path = ask().out / "state.pt"
    state = torch.load(path, weights_only=True)
    for change in CHANGES:
        torch.save(state | change, path)
        with pytest.raises(InputError, match=r"state.pt is no state of (this|a) training") as raised:
            train(ask(resume=True), Notes())
        assert "\n" not in str(raised.value) and len(str(raised.value)) < 500
