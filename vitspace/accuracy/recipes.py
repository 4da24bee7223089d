"""Recipes: how a published network of timm was trained, by its name and tag, as one of a few classes.

A class is coarse: what matters is how many epochs, which augmentation, whether there was a teacher, more data or
another task before. The classes are ours; timm's tags say who trained the weights and on what.
"""

import re
from typing import NamedTuple

#: What a prediction is for: ImageNet-1k alone, about 300 epochs, modern augmentation, no teacher.
USUAL = "deit300"
#: Under a teacher, as VT's published networks were.
DISTILLED = "distilled"
#: Left out of the table: more data, a task before, weights pruned, adversarial images, tags that we do not know.
LEFT_OUT = ("extra", "adv", "pruned", "skip", "other")

#: What is said of a class; an empty one is of a network whose weights are not named.
WORDS = {
    USUAL: "usual recipe",
    DISTILLED: "with a teacher",
    "": "not known",
    "adv": "adversarial images",
    "augreg": "AugReg",
    "cnn100": "about 100 epochs, plain augmentation",
    "cnn_long": "a recipe for CNNs, often longer",
    "cvnets": "CVNets' recipe",
    "deit3": "DeiT III, up to 800 epochs",
    "deit400": "400 epochs",
    "extra": "more data than ImageNet-1k",
    "long": "1,200 epochs or more",
    "mim1k": "masked images first",
    "other": "not known",
    "pruned": "pruned",
    "rsb": "ResNet strikes back",
    "rsb_a2": "ResNet strikes back, A2",
    "rsb_a3": "ResNet strikes back, A3: 100 epochs",
    "skip": "no result to compare",
    "timm": "timm's recipe, often longer",
    "timm_long": "500 epochs or more",
    "tv2": "torchvision's second recipe, 600 epochs",
}


class _Rule(NamedTuple):
    recipe: str
    tag: str = ""
    architecture: str = ""


#: The first rule of which both patterns are found decides.
_RULES = (
    _Rule("skip", architecture=r"^test_"),
    _Rule("skip", tag=r"^untrained$"),
    _Rule("extra", tag=r"2[12]k|12k|jft|ig1b|yfcc|laion|openai|webli|swag|seer|m30m|m38m|clip|merged"),
    _Rule("extra", tag=r"dfn|datacomp|lvd|pe_|bd_ssld_6m"),
    _Rule("adv", tag=r"adv|^ap_|sam_"),
    _Rule("mim1k", tag=r"mae_in1k_ft|fcmae_ft_in1k"),
    _Rule(DISTILLED, tag=r"dist|ssld|usi_"),
    _Rule(DISTILLED, architecture=r"distilled|^levit|^cait|^ghostnetv3|^volo|^iformer"),
    _Rule("pruned", architecture=r"pruned"),
    _Rule("pruned", tag=r"^miil_in1k$", architecture=r"^ecaresnet"),
    _Rule("deit3", tag=r"^fb_in1k|^naver_in1k$", architecture=r"^deit3"),
    _Rule("deit3", tag=r"^naver_in1k$"),
    _Rule("deit400", tag=r"^fb_in1k", architecture=r"^xcit|^resmlp"),
    _Rule("cnn100", tag=r"^fb_in1k", architecture=r"^resnet|^resnext|^regnet"),
    _Rule(USUAL, tag=r"^fb_in1k|^deit_in1k$"),
    _Rule("long", tag=r"^sbb_in1k$|e(1200|2400|3000|3600)"),
    _Rule("augreg", tag=r"^(\d+ep|augreg|orig)_in1k$"),
    _Rule("timm_long", tag=r"^e?\d*_?r\d+_in1k$", architecture=r"^mobilenetv4"),
    _Rule("timm_long", tag=r"^e[56]\d\d_?r\d+_in1k$"),
    _Rule(USUAL, tag=r"^e?\d*_?r\d+_in1k$"),
    _Rule("cnn100", tag=r"^(tv|pycls|rvgg|mx|gluon)_in1k$|^(cvnets|tv)_imagenet$"),
    _Rule("tv2", tag=r"^tv2_in1k$"),
    _Rule("rsb", tag=r"^(a1h?|a2h|ah|ch|c[123]|c2ns|b[12]k|d|agc|am)_in1k$"),
    _Rule("rsb_a2", tag=r"^a2_in1k$"),
    _Rule("rsb_a3", tag=r"^a3_in1k$"),
    _Rule("cnn_long", tag=r"^(ra[23]?|ram|racm|nav|miil|miil_green|idstcv|bt|ft|rmsp|lamb|aa|tf|dm|cc)_in1k$|^nvidia$"),
    _Rule("timm", tag=r"^(sw|d1h?|d2|sw_e[45]\d0|hnf)_in1k$"),
    _Rule("cvnets", tag=r"^cvnets_in1k$"),
    _Rule("cnn_long", tag=r"^apple_in1k$", architecture=r"^mobileone"),
    _Rule("cnn100", tag=r"^ms_in1k$", architecture=r"^hrnet"),
    _Rule(USUAL, tag=r"^(apple|ms|sail|msft|goog|nv|bd|mit|snap)_in1k$"),
    _Rule("cnn100", tag=r"^in1k$", architecture=r"^(dla|legacy_|res2ne|selecsls|densenet|inception|vgg|xception)"),
    _Rule(
        "cnn_long",
        tag=r"^in1k$",
        architecture=r"^(tf_|ghostnet|resnest|tinynet|repghostnet|efficientnet|mixnet)",
    ),
    _Rule(USUAL, tag=r"^in1k$"),
)


def recipe_of(name: str) -> str:
    """Return the recipe class of one of timm's trained networks, ``swin_tiny_patch4_window7_224.ms_in1k``."""
    architecture, _, tag = name.partition(".")
    for rule in _RULES:
        if re.search(rule.tag, tag) and re.search(rule.architecture, architecture):
            return rule.recipe
    return "other"
