import logging
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

import vitspace.families
from vitspace.anchors import assemble
from vitspace.data import Dataset, load_data
from vitspace.errors import InputError
from vitspace.machine.devices import check_device
from vitspace.proxies import ProxyError
from vitspace.proxies.batches import draw_rows, shift_and_mirror
from vitspace.proxies.recipe import PRESETS, TrainingProxy, canonical_name, parse_proxy
from vitspace.proxies.short_training import validate
from vitspace.proxies.shrinking import make_network
from vitspace.proxies.training import train as proxy_train
from vitspace.proxies.training.train import open_proxy, reference_points, train

SMALL = TrainingProxy(data="fractal:2", steps=2, batch_size=4, max_train=12, max_val=8)


@pytest.fixture(scope="module")
def spec():
    return assemble("msg", {"dim": [32, 32, 32, 32], "depth": [1] * 4, "region_size": [4, 4, 2, 1]})


@pytest.fixture(scope="module")
def data():
    return SMALL.load(seed=0)


@pytest.fixture(scope="module")
def result(spec, data):
    return train(spec, SMALL, data, seed=1)


def test_a_result_is_complete(result):
    assert result.score < 0
    assert 0 <= result.accuracy <= 1
    assert result.steps == len(result.curve) == 2
    assert result.curve[0][0] == 1
    assert result.train_loss == result.curve[-1][1]
    assert result.seconds > 0
    assert result.images_per_second > 0


def test_the_same_seed_gives_the_same_score_and_another_does_not(spec, data, result):
    torch.manual_seed(99)
    assert train(spec, SMALL, data, seed=1).curve == result.curve
    assert train(spec, SMALL, data, seed=1).score == result.score
    assert train(spec, SMALL, data, seed=2).score != result.score


def test_the_global_random_states_are_left_alone(spec, data):
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    train(spec, SMALL, data)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())


def test_steps_are_reported(spec, data):
    seen = []
    train(spec, SMALL, data, on_step=lambda step, steps: seen.append((step, steps)))
    assert seen == [(1, 2), (2, 2)]


def test_training_learns(spec):
    proxy = TrainingProxy(data="digits", steps=20, batch_size=16, lr=3e-3, warmup=3, max_val=100)
    data = proxy.load()
    assert -train(spec, proxy, data).score < reference_points(data).loss - 0.3


@pytest.mark.parametrize("mixup", [0.0, 0.2])
def test_every_option_runs_and_is_seeded(spec, data, mixup):
    options = {"label_smoothing": 0.1, "drop_path": 0.1, "warmup": 1, "precision": "bf16", "erase": 0.5}
    options |= {"ema": 0.9, "channels_last": True, "width": 0.5}
    proxy = SMALL.model_copy(update=options | {"mixup": mixup})
    first, again = (train(spec, proxy, data, seed=3).score for _ in range(2))
    assert math.isfinite(first)
    assert first == again


def test_windows_and_regions_survive_the_small_image(spec):
    network = make_network(spec, SMALL, 2)
    assert [(stage.window, stage.region_size) for stage in network.spec.stages] == [(2, 4), (2, 4), (2, 2), (2, 1)]


def test_a_loss_that_is_not_finite_has_a_reason(spec, data):
    with pytest.raises(ProxyError, match="training loss is not finite by step 2"):
        train(spec, SMALL.model_copy(update={"lr": 1e30, "clip_grad": 1e30}), data)


def test_sampling_at_no_number_has_a_reason(data):
    spec = vitspace.anchor("mat_1").spec
    with pytest.raises(ProxyError, match="training loss is not finite by step 2"):
        train(spec, SMALL.model_copy(update={"lr": 1e30, "clip_grad": 1e30}), data)


def test_a_validation_loss_that_is_not_finite_has_a_reason(spec, data):
    network = make_network(spec, SMALL, 2)
    torch.nn.init.constant_(network.head.fc.weight, math.nan)
    with pytest.raises(ProxyError, match="validation loss is nan"):
        validate(network, SMALL, data)


def _out_of_memory(monkeypatch, times, error=torch.OutOfMemoryError):
    """Have the device be full for the first trainings."""
    fit, asked = proxy_train.fit, []

    def full(*args):
        asked.append(args[-1])
        if len(asked) <= times:
            raise error("can't allocate memory: you tried 2 GiB\nand more")
        return fit(*args)

    monkeypatch.setattr(proxy_train, "fit", full)
    return asked


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (torch.OutOfMemoryError, "can't .* 2 GiB"),
        (RuntimeError, "can't .* 2 GiB"),
        (MemoryError, "can't .* 2 GiB"),
        (lambda text: MemoryError(), "MemoryError"),  # as Python's own
    ],
)
def test_no_memory_has_a_reason(spec, data, monkeypatch, error, why):
    asked = _out_of_memory(monkeypatch, 9, error)
    with pytest.raises(ProxyError, match=rf"^out of memory on cpu even with 2 images at once: {why}$"):
        train(spec, SMALL, data)
    assert asked == [1, 2]


def test_the_batch_halves_where_memory_is_full(spec, data, result, monkeypatch, caplog):
    asked = _out_of_memory(monkeypatch, 1)
    halved = train(spec, SMALL, data, seed=1)
    assert asked == [1, 2]
    assert (halved.images_at_once, result.images_at_once) == (2, 4)
    assert [loss for _, loss in halved.curve] == pytest.approx([loss for _, loss in result.curve], rel=1e-4)
    assert "once more with the batch in 2 parts" in caplog.text


def test_another_error_is_not_taken_for_full_memory(spec, data, monkeypatch):
    def broken(*_):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(proxy_train, "fit", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        train(spec, SMALL, data)


def test_validation_is_the_mean_over_all_images(spec, data):
    network = make_network(spec, SMALL, 2)
    many = replace(data, val_images=data.val_images.repeat(40, 1, 1, 1), val_labels=data.val_labels.repeat(40))
    assert validate(network, SMALL, many) == pytest.approx(validate(network, SMALL, data), rel=1e-5)


def test_chance_is_the_entropy_of_the_classes(data):
    labels = torch.tensor([0, 0, 0, 1])
    points = reference_points(replace(data, val_labels=labels, classes=("a", "b", "c")))
    assert points.accuracy == 0.75
    assert points.loss == pytest.approx(0.75 * math.log(4 / 3) + 0.25 * math.log(4))


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_name_data_that_load(preset):
    proxy = PRESETS[preset].model_copy(update={"max_train": 20, "max_val": 20})
    assert isinstance(proxy.load(), Dataset)


def test_a_preset_is_changed():
    assert parse_proxy("tiny", steps=77) == PRESETS["tiny"].model_copy(update={"steps": 77})


@pytest.mark.parametrize(
    ("preset", "changes", "says"),
    [
        ("huge", {}, "one of check, tiny, small, medium, full, but got 'huge'"),
        ("tiny", {"epoch": 3}, "unknown key 'epoch'.*known keys: data, fraction, img_size"),
        ("tiny,stepz=3", {}, "unknown key 'stepz'.*known keys: data, fraction, img_size"),
        ("tiny,steps", {}, "changed by field=value, each once, .* but got 'steps'"),
        ("steps=20,steps=30", {}, "each once, .* but got 'steps=30'"),
        ("tiny,width=0", {}, "width is greater than 0, but got '0'"),
        ("tiny,stem_stride=3", {}, "stem_stride is 1, 2 or 4, but got 3"),
        ("tiny,epochs=2,steps=20", {}, "either steps or epochs, but got steps=20, epochs=2"),
        ("tiny,steps=none", {}, "either steps or epochs, but got steps=None"),
        ("tiny", {"steps": 0}, "steps is at least 1, but got 0"),
        ("tiny", {"precision": "fp8"}, "precision is auto, bf16 or float32, but got 'fp8'"),
        ("tiny", {"mixup": 0.1, "batch_size": 5}, "mixup needs an even batch_size, but got 5"),
        ("tiny", {"steps": 5, "warmup": 5}, "warmup is below steps, but got warmup=5, steps=5"),
    ],
)
def test_a_wrong_recipe_is_refused(preset, changes, says):
    with pytest.raises(InputError, match=says):
        parse_proxy(preset, **changes)


def test_a_preset_is_changed_by_text():
    changed = parse_proxy("small,steps=300,width=0.5,flip=false,max_val=none,stem_stride=2")
    values = {"steps": 300, "width": 0.5, "flip": False, "max_val": None, "stem_stride": 2}
    assert changed == PRESETS["small"].model_copy(update=values)
    assert parse_proxy("lr=0.1") == PRESETS["tiny"].model_copy(update={"lr": 0.1})


@pytest.mark.parametrize(
    ("name", "data", "canonical"),
    [
        ("train", "", "train:tiny"),
        ("train:small,width=0.50,steps=600,ema=.9", "", "train:small,width=0.5,ema=0.9"),
        ("train:small", "cifar10:/tmp/c", "train:small,data=cifar10"),
        ("train:small,data=imagefolder:/tmp/flowers/", "", "train:small,data=imagefolder:flowers@78743862"),
        ("train:small", "imagefolder:/tmp/a,b", "train:small,data=imagefolder:a;b@4863e23e"),
        ("train:small", "hf:uoft-cs/cifar10#img", "train:small,data=hf:uoft-cs/cifar10#img"),
        ("train:small,epochs=3", "fractal:50", "train:small,data=fractal:50,epochs=3.0"),
        ("train:steps=30", "fractal", "train:tiny,steps=30"),
    ],
)
def test_a_recipe_has_one_name_wherever_its_data_lie(name, data, canonical):
    assert canonical_name(name, data) == canonical
    assert canonical_name(canonical) == canonical


def test_folders_of_one_name_are_two_sets():
    one, other = (canonical_name("train:tiny", f"imagefolder:/{folder}/x") for folder in "ab")
    assert one != other
    assert canonical_name("train:tiny", "hf:one/x") != canonical_name("train:tiny", "hf:two/x")


@pytest.mark.parametrize("field", ["epochs=inf", "lr=nan", "clip_grad=inf"])
def test_what_is_not_finite_is_refused(field):
    with pytest.raises(InputError, match=f"training proxy: {field[:2]}[a-z_]* is a finite number"):
        parse_proxy(f"tiny,{field}")


def test_epochs_take_the_place_of_steps(data):
    proxy = parse_proxy("tiny,epochs=2.5,warmup=1,batch_size=4")
    assert (proxy.steps, proxy.on(data).steps) == (None, 8)  # 12 images
    with pytest.raises(
        InputError, match=r"2\.5 epochs: warmup is below steps, but got warmup=16, steps=8; .*steps=8,warmup=1"
    ):
        parse_proxy("tiny,epochs=2.5,batch_size=4").on(data)


def test_a_fraction_is_drawn_evenly_and_seeded(data):
    half = SMALL.model_copy(update={"fraction": 0.5})
    assert half.load().train_labels.bincount().tolist() == [3, 3]
    assert torch.equal(half.load().train_images, half.load().train_images)
    assert torch.equal(half.load().val_images, data.val_images)


def test_the_average_of_weights_is_validated(spec, data, result):
    averaged = train(spec, SMALL.model_copy(update={"ema": 0.99}), data, seed=1)
    assert averaged.curve == result.curve
    assert averaged.score != result.score


def test_torch_compile_is_asked_for(spec, data, result, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda network: compiled.append(network) or network)
    assert train(spec, SMALL.model_copy(update={"compile": True}), data, seed=1).score == result.score
    assert len(compiled) == 1


def test_batches_see_all_images_before_any_again():
    rows = list(draw_rows(10, 4, 5, torch.Generator().manual_seed(0)))
    assert [len(batch) for batch in rows] == [4] * 5
    assert sorted(torch.cat(rows).tolist()) == sorted(list(range(10)) * 2)


def test_a_batch_may_be_larger_than_the_set():
    assert len(next(draw_rows(3, 8, 1, torch.Generator()))) == 8


def test_augmentation_shifts_and_mirrors():
    image = torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8).expand(40, 3, 8, 8)
    mirrored = shift_and_mirror(image, 0, True, torch.Generator().manual_seed(0))
    kept = (mirrored == image).flatten(1).all(1)
    assert 5 < kept.sum() < 35
    assert torch.equal(mirrored[~kept], image[~kept].flip(-1))
    shifted = shift_and_mirror(image, 2, False, torch.Generator().manual_seed(0))
    assert shifted.shape == image.shape
    assert len(shifted[:, 0, 4, 4].unique()) > 10


def test_digits_are_not_mirrored():
    assert not load_data("digits", 16, max_train=10, max_val=10).mirrors


def test_devices(caplog, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with caplog.at_level(logging.INFO):
        assert check_device("auto") == torch.device("cpu")
    assert len(caplog.records) == 1
    assert check_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert check_device("auto") == check_device("cuda") == torch.device("cuda:0")
    assert check_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize("name", ["cuda", "cuda:9", "tpu", ""])
def test_a_device_that_is_not_there_is_refused(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(InputError, match=f"one of auto, cpu.*but got {name!r}"):
        check_device(name)


def test_an_open_proxy_scores_and_describes_itself(spec, monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", SMALL)
    proxy = open_proxy("", "fractal:3", "cpu", seed=0)
    score = proxy.score(spec, seed=1)
    assert score.value == train(spec, proxy.recipe, proxy.dataset, seed=1).score
    assert score.details["steps"] == 2
    assert proxy.worst == proxy.describe()["chance_loss"] == reference_points(proxy.dataset).loss
    assert proxy.describe()["data"] == "fractal:3"
    assert open_proxy("data=fractal:2", "", "cpu").describe()["classes"] == 2
    with pytest.raises(InputError, match="named once, and here they are 'digits', but got 'train:tiny,data=fractal:3'"):
        open_proxy("tiny,data=fractal:3", "digits", "cpu")


@pytest.mark.parametrize("args", [("huge", "", "cpu"), ("tiny", "mnist", "cpu"), ("tiny", "digits", "tpu")])
def test_an_open_proxy_refuses_what_is_not_there(args):
    with pytest.raises(InputError, match=r" one of | is fractal"):
        open_proxy(*args)
