"""Designs scored with shared weights: ``--proxy supernet:DIR``."""

import json
import math

import pytest
import torch
from telling import RECIPE, Told

from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.proxies import ProxyError, canonical_name, open_proxy, rests_on
from vitspace.proxies.inherited import inherit
from vitspace.proxies.names import scores_name
from vitspace.proxies.selective import check_knows
from vitspace.sharing import folder
from vitspace.space import load_space
from vitspace.supernet import train


@pytest.fixture(scope="module")
def proxy(trained):
    return open_proxy(f"supernet:{trained[0]}", "", "cpu")


@pytest.fixture(scope="module")
def designs(small):
    return load_space(str(small)).draw(3, seed=5)


def test_a_score_is_the_negative_validation_loss_the_same_each_time(proxy, designs):
    scores = [proxy.score(spec, seed=0) for spec in designs]
    assert all(math.isfinite(each.value) and each.value < 0 and 0 <= each.details["accuracy"] <= 1 for each in scores)
    assert [proxy.score(spec, seed=1).value for spec in designs] == [each.value for each in scores]
    assert len({each.value for each in scores}) == 3


def test_scores_rest_on_the_weights_unless_designs_are_trained_further(proxy, trained):
    words = "shared weights trained for 4 steps on fractal:3 at 32 px, seed 0"
    assert rests_on(proxy) == words and proxy.describe()["steps"] == 4
    tuned = open_proxy(f"supernet:{trained[0]},finetune=2", "", "cpu")
    assert rests_on(tuned) == "" and (tuned.describe()["begins_with"], tuned.describe()["steps"]) == (words, 2)


def test_the_ends_score_as_the_training_said(proxy, trained, small):
    for end, spec in zip(("smallest", "largest"), load_space(str(small)).ends(), strict=True):
        assert proxy.score(spec, seed=0).value == -trained[1]["ends"][end]["val_loss"]


def test_scoring_leaves_the_shared_weights_alone(proxy, designs, trained):
    before = {role: each.clone() for role, each in proxy.store.tensors.items()}
    tuned = open_proxy(f"supernet:{trained[0]},finetune=2", "", "cpu")
    assert tuned.score(designs[0], seed=0).value != proxy.score(designs[0], seed=0).value
    assert tuned.score(designs[0], seed=0).value == tuned.score(designs[0], seed=0).value
    for store in (proxy.store, tuned.store):
        assert all(torch.equal(before[role], each) for role, each in store.tensors.items())


def test_statistics_are_the_designs_own(proxy, designs):
    network = inherit(proxy.store, designs[0], proxy.recipe, proxy.dataset)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms and all(norm.running_mean.any() for norm in norms)


def test_the_name_tells_the_weights_and_names_itself(proxy, trained):
    name = canonical_name(f"supernet:{trained[0]}")
    assert name == proxy.name == f"supernet:small-net@{folder.digest(trained[0])}"
    assert canonical_name(name) == name == scores_name(proxy.describe(), "supernet")
    assert canonical_name(f"supernet:{trained[0]},finetune=20") == f"{name},finetune=20"
    assert json.dumps(proxy.describe())


def test_a_training_of_epochs_is_one_of_steps(ask, designs):
    request = ask(recipe=RECIPE.replace("steps=4", "epochs=0.4"))
    assert train(request, Told())["steps"] == 2
    assert open_proxy(f"supernet:{request.out}", "", "cpu").score(designs[0], seed=0).value < 0


def test_designs_of_another_space_are_refused(proxy, small):
    space = load_space("mat")
    with pytest.raises(ProxyError, match="shared weights are of other designs"):
        proxy.score(anchor("msg_tiny").spec, seed=0)
    with pytest.raises(InputError, match=r"shared by designs of space small, but .* is larger than the shared"):
        check_knows(proxy, space, (0.0, 1.1 * space.lattice.extreme("macs")))
    check_knows(proxy, load_space(str(small)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("supernet", "named by their folder, as supernet:DIR"),
        ("supernet:none", "a folder that vitspace supernet train fills, but 'none' holds none"),
        ("supernet:{out},finetune=0", "named by their folder"),
        ("supernet:{out},steps=3", "named by their folder"),
    ],
)
def test_a_name_of_no_form_is_refused(trained, text, message):
    with pytest.raises(InputError, match=message):
        open_proxy(text.format(out=trained[0]), "", "cpu")


def test_other_data_are_refused(trained):
    with pytest.raises(InputError, match="trained on, those of fractal:3, but those of 'digits' are others"):
        open_proxy(f"supernet:{trained[0]}", "digits", "cpu")


def test_weights_of_other_code_are_refused(trained, monkeypatch):
    monkeypatch.setattr(folder, "sources", lambda families: dict.fromkeys(families, "other"))
    with pytest.raises(InputError, match="another version of mat; train them anew"):
        folder.read(trained[0])


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_a_damaged_file_is_said(tmp_path, content):
    (tmp_path / folder.WEIGHTS).write_bytes(content)
    with pytest.raises(InputError, match="is no file of shared weights"):
        folder.read(tmp_path)
