"""The published models do what timm's own tests ask of a model; shapes are found on the meta device."""

from functools import cache
from itertools import pairwise

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from timm.models import group_parameters

from vitspace.anchors import anchor, assemble, list_anchors
from vitspace.costs.counter import on_meta
from vitspace.errors import InputError
from vitspace.layers.head import ClassifierHead
from vitspace.network import build, first_conv

MODELS = list_anchors("anchor")
#: One model a family.
FEW = [
    next(name for name in MODELS if anchor(name).family == family)
    for family in sorted({anchor(n).family for n in MODELS})
]


def make(name, **settings):
    with on_meta():
        return timm.create_model(name, **settings).eval()


#: A model as it is published, for tests that leave it as it is.
published = cache(make)


def run(model, chans=3, size=64):
    return model(torch.empty(2, chans, size, size, device="meta"))


@cache
def features_of(name):
    """What heads of any pooling are handed."""
    return published(name).forward_features(torch.empty(2, 3, 64, 64, device="meta"))


@pytest.mark.parametrize("name", FEW)
def test_first_conv_and_classifier_are_layers(name):
    model = published(name)
    config, layers = model.pretrained_cfg, dict(model.named_modules())
    assert layers[config["first_conv"]].in_channels == 3
    assert layers[config["classifier"]] is model.get_classifier()
    assert make(name, in_chans=1).state_dict()[f"{config['first_conv']}.weight"].shape[1] == 1


@pytest.mark.parametrize("name", FEW)
def test_the_configuration_is_of_the_size(name):
    features = make(name, features_only=True)
    for size in (None, 225, (192, 256)):
        model = make(name, img_size=size) if size else published(name)
        config = model.pretrained_cfg
        maps = features(torch.empty(1, *config["input_size"], device="meta"))
        assert config["pool_size"] == tuple(maps[-1].shape[2:])


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("global_pool", [None, "avg", "max"])
def test_pooled_features_and_scores(name, global_pool):
    settings = {} if global_pool is None else {"global_pool": global_pool}
    model, features = make(name, num_classes=7, **settings), features_of(name)
    assert model.forward_head(features, pre_logits=True).shape == (2, model.head_hidden_size)
    assert model.forward_head(features).shape == (2, 7)
    bare = make(name, num_classes=0, **settings)
    assert bare.forward_head(features).shape == (2, model.head_hidden_size)


@pytest.mark.parametrize("name", FEW)
def test_features_that_are_not_pooled(name):
    for model in (make(name, num_classes=0, global_pool=""), make(name)):
        model.reset_classifier(0, "")
        features = model.forward_head(features_of(name))
        assert features.ndim in (3, 4) and features.shape[1 if features.ndim == 4 else 2] == model.head_hidden_size
        assert type(model.get_classifier()) is torch.nn.Identity


@pytest.mark.parametrize("name", FEW)
def test_what_a_head_cannot_do_is_refused_and_changes_nothing(name):
    model = make(name, num_classes=7)
    for settings in ({"global_pool": ""}, {"global_pool": "catavgmax"}, {"num_classes": -1}):
        with pytest.raises(InputError):
            make(name, **settings)
        with pytest.raises(InputError):
            model.reset_classifier(settings.get("num_classes", 7), settings.get("global_pool"))
        assert model.forward_head(features_of(name)).shape == (2, 7) and model.num_classes == 7
    assert run(model).shape == (2, 7)


@pytest.mark.parametrize("name", FEW)
def test_pooling_is_the_mean_or_the_maximum_of_what_is_not_pooled(name):
    torch.manual_seed(0)
    small = build(anchor(name).spec, 0).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = small(images)
        small.reset_classifier(0, "")
        whole = small(images)
        whole = whole.flatten(2) if whole.ndim == 4 else whole.transpose(1, 2)
        for global_pool, pooled in (("avg", whole.mean(2)), ("max", whole.amax(2))):
            small.reset_classifier(0, global_pool)
            torch.testing.assert_close(small(images), pooled)
    torch.testing.assert_close(expected, whole.mean(2))


def test_a_head_with_a_pool_of_its_own_has_no_other():
    class Own(ClassifierHead):
        def pool(self, x, carry):
            return x.mean((2, 3))

    assert Own(4, 2).poolings == (None,)


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("indices", [(0, 1, 2, 3), (-2, -1)])
def test_features_only(name, indices):
    model = make(name, features_only=True, out_indices=indices)
    maps = run(model)
    assert [each.shape[1] for each in maps] == model.feature_info.channels()
    assert [64 // each.shape[-1] for each in maps] == model.feature_info.reduction()


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("coarse", [False, True])
def test_every_parameter_has_a_group_and_deeper_ones_come_later(name, coarse):
    model = published(name)
    groups = group_parameters(model, model.group_matcher(coarse), reverse=True)
    assert set(groups) == {key for key, _ in model.named_parameters()}
    by_stage = [{group for key, group in groups.items() if key.startswith(f"stages.{i}.")} for i in range(4)]
    stages = [each for each in by_stage if each]
    assert all(max(before) < min(after) for before, after in pairwise(stages))
    assert groups["stem.0.weight"] == 0 if "stem.0.weight" in groups else True
    assert groups["head.fc.weight"] > max(max(each) for each in stages)


@pytest.mark.parametrize("name", FEW)
def test_rates_and_checkpointing_are_taken(name):
    model = make(name, drop_rate=0.3, drop_path_rate=0.2)
    model.set_grad_checkpointing()
    assert model.head.drop.p == 0.3 and model.grad_checkpointing
    assert make(name, img_size=(192, 256)).num_classes == 1000


SMALL = {
    "msg": {"dim": [16, 32], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]},
}


@pytest.mark.parametrize("settings", [{"in_chans": 1}, {"in_chans": 4}, {"num_classes": 3}, {"num_classes": 0}])
def test_own_weights_are_fine_tuned_with_other_channels_and_classes(tmp_path, settings):
    spec = assemble("msg", SMALL["msg"])
    save_file(build(spec, 5).state_dict(), tmp_path / "w.safetensors")
    config = {"file": str(tmp_path / "w.safetensors"), "num_classes": 5, "first_conv": first_conv(spec)}
    config |= {"classifier": "head.fc", "input_size": (3, 64, 64)}
    model = timm.models.build_model_with_cfg(
        lambda **kwargs: build(spec, **kwargs), "own", pretrained=True, pretrained_cfg=config, **settings
    )
    classes, chans = settings.get("num_classes", 5), settings.get("in_chans", 3)
    scores = model(torch.randn(1, chans, 64, 64))
    assert model.num_classes == classes and scores.shape == (1, classes or model.head_hidden_size)
    stored, loaded = load_file(tmp_path / "w.safetensors"), model.state_dict()
    first = f"{first_conv(spec)}.weight"
    adapted = {first} if chans != 3 else set()
    classifier = {"head.fc.weight", "head.fc.bias"} if classes != 5 else set()
    assert stored.keys() - loaded.keys() <= classifier
    assert all(torch.equal(loaded[key], stored[key]) for key in stored.keys() - adapted - classifier)
    assert loaded[first].shape[1] == chans
    if chans == 1:
        torch.testing.assert_close(loaded[first], stored[first].sum(1, keepdim=True))
