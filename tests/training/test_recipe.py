import pytest

from vitspace.anchors import all_anchors, anchor, list_anchors
from vitspace.anchors.references import OTHER_RECIPE
from vitspace.errors import InputError
from vitspace.families import FAMILIES
from vitspace.training.recipe import CHOICE, LEAST_RATES, PAPER, Recipe, load_recipe, paper_recipe, recipe_names

#: Settings that mean nothing under a schedule.
OF_SCHEDULE = {"cosine": {"decay_epochs", "decay_rate"}, "poly": {"decay_epochs"}, "step": {"min_lr"}}


@pytest.mark.parametrize("name", recipe_names())
def test_every_setting_has_its_source(name):
    _, recipe = load_recipe(name, "")
    settings = set(Recipe.model_fields) - {"about", "sources"} - OF_SCHEDULE[recipe.schedule]
    assert set(recipe.sources) == settings and recipe.about
    assert name in ("default", "small") or any(CHOICE not in source for source in recipe.sources.values())


def test_every_family_of_ours_has_a_recipe():
    ours = [name for name, module in FAMILIES.items() if module.__name__.startswith("vitspace.")]
    assert [load_recipe("paper", family)[0] for family in ours] == ours
    assert load_recipe("paper", "hybrid")[0] == "default"


def test_recipes_are_as_printed():
    def of(name):
        return load_recipe(name, "")[1]

    common = [(of(name).epochs, of(name).batch_size, of(name).lr, of(name).weight_decay) for name in ("msg", "ems")]
    assert common == [(300, 1024, 1e-3, 0.05), (300, 512, 1e-3, 0.03)]
    mat = of("mat")
    assert (mat.batch_size, mat.mixup, mat.cutmix, mat.drop_path, mat.min_lr) == (4096, 0.1, 1.0, 0.05, 1e-6)
    assert (of("partial").weight_decay, of("transcnn").lr, of("msg").warmup_epochs) == (0.005, 8e-4, 20)
    vt, advanced = of("vt"), of("vt-table8")
    assert (vt.epochs, vt.optimizer, vt.lr, vt.weight_decay, vt.decay_epochs) == (90, "sgd", 0.1, 4e-5, 30)
    assert (advanced.epochs, advanced.lr, advanced.decay_rate, advanced.ema) == (400, 0.16, 0.9875, 0.99985)


def test_fewer_epochs_keep_the_shares_of_warm_up_and_decay():
    vt, msg = load_recipe("vt", "")[1].shortened(9), load_recipe("msg", "")[1].shortened(30)
    assert (vt.epochs, vt.decay_epochs, msg.warmup_epochs) == (9, 3, 2)


def test_learning_rates_follow_the_batch():
    recipe = load_recipe("mat", "")[1].rebatched(512)
    assert (recipe.batch_size, recipe.lr, recipe.min_lr) == (512, 1e-3 / 8, 1e-6 / 8)
    small = load_recipe("mat", "")[1].rebatched(32)
    assert (small.lr, small.min_lr) == pytest.approx((LEAST_RATES["adamw"], 1e-3 * LEAST_RATES["adamw"]))


@pytest.mark.parametrize(
    ("name", "batch", "rate"),
    [
        ("vt", 128, 0.05),  # sgd, in proportion
        ("vt", 8, LEAST_RATES["sgd"]),
        ("vt", 1, LEAST_RATES["sgd"]),
        ("vt-table8", 1024, 0.08),  # rmsproptf
        ("vt-table8", 2, LEAST_RATES["rmsproptf"]),
        ("mat", 8192, 2e-3),  # a larger batch
        ("mat", 4096, 1e-3),
    ],
)
def test_the_learning_rate_of_a_batch_has_a_floor(name, batch, rate):
    recipe = load_recipe(name, "")[1]
    found = recipe.rebatched(batch)
    assert found.lr == pytest.approx(rate)
    ratio = rate / recipe.lr
    assert (found.min_lr, found.warmup_lr) == pytest.approx((recipe.min_lr * ratio, recipe.warmup_lr * ratio))


@pytest.mark.parametrize("optimizer", LEAST_RATES)
def test_a_recipe_below_the_floor_stays_where_it_is(optimizer):
    rate = LEAST_RATES[optimizer] / 10
    recipe = Recipe(optimizer=optimizer, lr=rate, batch_size=64)
    assert recipe.rebatched(8).lr == pytest.approx(rate) and recipe.rebatched(128).lr == pytest.approx(2 * rate)


def test_a_recipe_of_ones_own(tmp_path):
    (tmp_path / "mine.yaml").write_text("epochs: 5\nmixup: 0\n")
    assert load_recipe(str(tmp_path / "mine.yaml"), "msg") == ("mine", Recipe(epochs=5, mixup=0))
    (tmp_path / "bad.yaml").write_text("epoch: 5\n")
    with pytest.raises(InputError, match=r"bad.yaml:1: unknown key 'epoch'; known keys: about, epochs"):
        load_recipe(str(tmp_path / "bad.yaml"), "msg")
    with pytest.raises(InputError, match=r"a recipe is paper, one of default, ems, .* but got 'best'"):
        load_recipe("best", "msg")


def test_a_published_row_of_another_recipe_gets_that_one():
    name, why = paper_recipe(anchor("vt_r18_adv").spec)
    assert name == "vt-table8" and "vt_r18_adv (visual-transformers-vt, table 8) is of this one and not of vt" in why
    assert paper_recipe(anchor("vt_r18").spec) == paper_recipe(anchor("msg_tiny").spec) == (PAPER, "")


def test_main_anchors_of_vt_are_of_table_8_and_no_other_row_is():
    other = {row.id for row in all_anchors().values() if row.recipe}
    assert other == {name for name in list_anchors("anchor") if name.startswith("vt_")} - set(OTHER_RECIPE)
    assert {row.recipe for row in all_anchors().values()} <= {"", *recipe_names()}
