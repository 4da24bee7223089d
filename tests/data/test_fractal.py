import hashlib
import subprocess
import sys

import numpy as np
import torch

from vitspace.data import load_data
from vitspace.data.fractal import draw_system, render

HASH = """
import hashlib
from vitspace.data import load_data
print(hashlib.sha256(load_data("fractal:2", 16, 3, 8, 8).train_images.numpy().tobytes()).hexdigest())
"""


def systems(count=20):
    return [draw_system(np.random.default_rng([0, 0, label])) for label in range(count)]


def test_maps_contract():
    for system in systems():
        linear = system.varied(5, 0.03, np.random.default_rng(0)).maps()[..., :4].reshape(5, -1, 2, 2)
        assert np.linalg.svd(linear, compute_uv=False).max() < 0.96


def test_a_map_has_the_singular_values_and_sign_it_was_drawn_with():
    system = systems(1)[0]
    linear = system.maps()[:, :4].reshape(-1, 2, 2)
    np.testing.assert_allclose(np.linalg.svd(linear, compute_uv=False), system.scale, rtol=1e-5)
    np.testing.assert_array_equal(np.sign(np.linalg.det(linear)), system.sign)


def test_attractors_are_neither_specks_nor_blots():
    for system in systems():
        image = render(system, 1, 32, np.random.default_rng(0))[0]
        paper = np.abs(image - image[:, :1, :1].astype(int)).sum(0) == 0
        assert 0.1 < 1 - paper.mean() < 0.8 or not paper[0, 0]


def test_images_of_a_class_differ_and_none_is_blank():
    images = render(systems(1)[0], 8, 32, np.random.default_rng(0))
    assert len({image.tobytes() for image in images}) == 8
    assert all(image.std() > 5 for image in images)


def test_validation_images_are_not_among_the_training_images():
    data = load_data("fractal:2", 16, max_train=40, max_val=40)
    train = {image.numpy().tobytes() for image in data.train_images}
    assert not train & {image.numpy().tobytes() for image in data.val_images}


def test_classes_do_not_depend_on_how_many_images_or_classes_there_are():
    few, many = load_data("fractal:2", 16, max_train=4, max_val=4), load_data("fractal:3", 16, max_train=6, max_val=4)
    assert torch.equal(few.train_images[:2], many.train_images[:2])


def test_another_process_draws_the_same():
    there = subprocess.run([sys.executable, "-c", HASH], capture_output=True, check=True, text=True).stdout
    here = load_data("fractal:2", 16, 3, 8, 8).train_images.numpy().tobytes()
    assert there.strip() == hashlib.sha256(here).hexdigest()
