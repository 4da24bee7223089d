from collections import Counter

import vitspace.families  # noqa: F401 (registers the specs)
from vitspace.anchors import anchor
from vitspace.anchors.references import ablation_pairs, main_anchors, other_recipe, timm_peers


def test_there_are_22_comparable_anchors():
    assert len(main_anchors()) == 22 and all(row.spec for row in main_anchors())


def test_pairs_are_the_papers():
    pairs = ablation_pairs()
    assert len(pairs) == 81 and "ems 3.9" not in {pair.table for pair in pairs}
    assert all(abs(p.a.published["top1"] - p.b.published["top1"] - p.difference) < 0.051 for p in pairs)
    assert Counter(pair.family for pair in pairs) == {"ems": 23, "mat": 12, "msg": 10, "vt": 21, "transcnn": 15}


def test_peers_have_accuracies():
    assert len(timm_peers()) == 30
    assert all(row.role == "peer" and row.published["top1"] > 60 for row in timm_peers().values())


def test_another_recipe_than_the_usual_one_is_named():
    said = {name: other_recipe(anchor(name)) for name in ("vt_r18", "vt_r34_adv", "msg_tiny", "transcnn_base")}
    assert said == {
        "vt_r18": "default ResNet recipe, 90 epochs",
        "vt_r34_adv": "advanced recipe: 400 epochs, distillation from FBNetV3-G",
        "msg_tiny": "",
        "transcnn_base": "",
    }
