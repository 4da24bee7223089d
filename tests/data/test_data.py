import numpy as np
import pytest
import torch
from numpy.random import default_rng as rng

from vitspace.data import SOURCES, check_data, load_data
from vitspace.data._base import draw_evenly, resize
from vitspace.errors import InputError


def test_a_file_is_a_source():
    assert SOURCES == ("cifar10", "cifar100", "digits", "fractal", "hf", "imagefolder")


@pytest.mark.parametrize("text", ["fractal:3", "digits"])
def test_images_labels_and_classes_agree(text):
    data = load_data(text, 16, seed=1, max_train=30, max_val=20)
    assert data.name == text
    assert data.train_images.shape == (30, 3, 16, 16)
    assert data.val_images.shape == (20, 3, 16, 16)
    assert data.train_images.dtype == data.val_images.dtype == torch.uint8
    assert data.train_labels.dtype == data.val_labels.dtype == torch.int64
    assert data.train_labels.unique().tolist() == list(range(len(data.classes)))


@pytest.mark.parametrize("text", ["fractal:3", "digits"])
def test_the_seed_decides(text):
    first, again, other = (load_data(text, 16, seed, 30, 20).train_images for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cifar1000:x", "fractal:CLASSES.*'cifar1000:x'.*did you mean cifar100"),
        ("", "data is fractal"),
        ("_base", "data is fractal"),
        ("digits:3", "no argument.*'3'"),
        ("fractal:1", "from 2 to 1000.*'1'"),
        ("fractal:many", "'many'"),
        ("imagefolder", "imagefolder:DIR"),
        ("cifar10", "cifar10:DIR"),
    ],
)
def test_a_wrong_text_is_refused(text, says):
    with pytest.raises(InputError, match=says):
        check_data(text)


def test_wrong_sizes_are_refused():
    with pytest.raises(InputError, match="img_size is at least 8, but got 4"):
        load_data("digits", 4)
    with pytest.raises(InputError, match="max_val is at least 1, but got 0"):
        load_data("digits", 16, max_val=0)


@pytest.mark.parametrize(
    ("sizes", "limit", "counts"),
    [
        ([5, 5], None, [5, 5]),
        ([5, 5], 6, [3, 3]),
        ([1, 9, 9], 7, [1, 3, 3]),
        ([2, 2], 9, [2, 2]),
    ],
)
def test_classes_are_drawn_evenly(sizes, limit, counts):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    drawn = draw_evenly(labels, len(sizes), limit, rng(0))
    assert np.bincount(labels[drawn]).tolist() == counts
    assert drawn.tolist() == sorted(set(drawn.tolist()))


def test_a_limit_below_the_classes_draws_one_of_some():
    labels = np.repeat(np.arange(5), 9)
    assert sorted(np.bincount(labels[draw_evenly(labels, 5, 3, rng(0))], minlength=5)) == [0, 0, 1, 1, 1]


def test_resize_keeps_a_constant():
    assert resize(torch.full((2, 3, 8, 8), 7, dtype=torch.uint8), 20).unique().tolist() == [7]
