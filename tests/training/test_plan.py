import pytest

from vitspace.errors import InputError
from vitspace.training import Overrides, Recipe
from vitspace.training.plan import few_updates, make_plan
from vitspace.training.recipe import load_recipe

RECIPE = Recipe(epochs=100, batch_size=1024, lr=1e-3, warmup_epochs=5)


def test_a_recipe_unchanged():
    plan = make_plan(RECIPE, Overrides(), 5000, 2)
    assert (plan.updates, plan.micro_batch, plan.accumulate, plan.changes) == (4, 512, 1, ())
    assert plan.total == 400


def test_a_batch_larger_than_the_device_holds_is_accumulated():
    plan = make_plan(RECIPE, Overrides(micro_batch=64), 5000, 2)
    assert (plan.micro_batch, plan.accumulate, plan.recipe.lr) == (64, 8, 1e-3)


def test_wishes_are_said():
    plan = make_plan(RECIPE, Overrides(epochs=10, batch_size=256, img_size=64), 5000, 1)
    assert (plan.recipe.lr, plan.recipe.warmup_epochs, plan.recipe.img_size) == (2.5e-4, 0.5, 64)
    said = " ".join(plan.changes)
    assert "10 epochs for 100" in said and "learning rate 0.00025 for 0.001" in said and "64 px for 224" in said


def test_a_learning_rate_given_is_kept():
    plan = make_plan(RECIPE, Overrides(batch_size=256, lr=5e-6), 5000, 1)
    assert (plan.recipe.lr, plan.recipe.min_lr) == (5e-6, 1e-5 / 4)


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), float("inf")])
def test_a_learning_rate_that_teaches_nothing_is_refused(lr):
    with pytest.raises(InputError, match="lr is a number over 0, but got"):
        make_plan(RECIPE, Overrides(lr=lr), 5000, 1)


@pytest.mark.parametrize(
    ("overrides", "images", "world", "message"),
    [
        (Overrides(), 1000, 1, "a batch is at most the 1000 training images, but got 1024"),
        (Overrides(micro_batch=100), 5000, 1, "but got 1024, 100 and 1"),
        (Overrides(batch_size=2), 5000, 4, "but got 2, 0 and 4"),
        (Overrides(batch_size=9), 5000, 1, "an even number of images at once, but got 9"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(overrides, images, world, message):
    with pytest.raises(InputError, match=message):
        make_plan(RECIPE, overrides, images, world)


def test_what_to_type_for_few_images_is_said_and_fits():
    with pytest.raises(InputError, match="--batch-size 128 sets a smaller one, and --recipe small is for few images"):
        make_plan(Recipe(batch_size=4096), Overrides(), 1297, 1)
    assert make_plan(Recipe(batch_size=4096), Overrides(batch_size=128), 1297, 1, at_once=32).updates == 10


def test_a_batch_that_a_cpu_cannot_take_in_parts_is_refused():
    with pytest.raises(InputError, match="2 to 32 images at once, equal parts of a batch, but 37 has no such part"):
        make_plan(Recipe(batch_size=37), Overrides(), 20000, 1, at_once=32)
    assert (
        make_plan(Recipe(batch_size=37, mixup=0, cutmix=0), Overrides(micro_batch=37), 20000, 1, 32).micro_batch == 37
    )


@pytest.mark.parametrize(("name", "advised"), [("msg", True), ("default", True), ("small", False)])
def test_few_updates_are_said_with_what_helps(name, advised):
    _, recipe = load_recipe(name, "")
    hint = few_updates(make_plan(recipe, Overrides(epochs=2, batch_size=32, lr=1e-3), 320, 1), name)
    assert hint.startswith("20 updates in all are few for a training from scratch; what helps: ")
    assert ("--recipe small, which is for few images, more --epochs, and --init" in hint) is advised
    assert ("what helps: more --epochs, and --init" in hint) is not advised
    assert few_updates(make_plan(recipe, Overrides(epochs=100, batch_size=32), 320, 1), name) == ""


def test_a_cpu_takes_part_of_a_batch_at_once():
    plan = make_plan(RECIPE, Overrides(), 20000, 1, at_once=32)
    assert (plan.micro_batch, plan.accumulate, plan.updates) == (32, 32, 19)
    assert "32 images at once, whose gradients add up to the batch" in plan.changes
    assert make_plan(RECIPE, Overrides(micro_batch=64), 20000, 1, at_once=32).micro_batch == 64
    assert make_plan(Recipe(batch_size=100), Overrides(), 20000, 1, at_once=32).micro_batch == 20  # even, for mixup
    assert make_plan(Recipe(batch_size=24), Overrides(), 20000, 1, at_once=32).micro_batch == 24
    assert make_plan(RECIPE, Overrides(), 20000, 2).micro_batch == 512
