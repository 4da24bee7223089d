"""The export as a single Python file that registers the model with timm."""

import json
from string import Template

from vitspace import __version__
from vitspace.export.model import ExportedModel
from vitspace.image_sizes import sides
from vitspace.network import first_conv
from vitspace.words import printable

_TEMPLATE = Template('''\
"""$name, a design of the family $family, as a timm model; written by vitspace $version.

    import timm, $identifier
    model = timm.create_model("$identifier", pretrained=True)  # False: as initialised

It needs vitspace and timm. `python $identifier.py` prints params and multiply-adds.
Weights are read from $weights beside this file, where it is there.
"""

import json
from functools import partial
from pathlib import Path

try:
    import vitspace
    from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
    from vitspace.spec import Spec
except ImportError as error:
    raise ImportError(f"{Path(__file__).name} needs vitspace and timm to be installed ({error})") from error

SPEC = Spec.from_dict(json.loads("""
$spec
"""))
IMG_SIZE, NUM_CLASSES = $img_size, $num_classes
WEIGHTS = Path(__file__).with_name("$weights")

default_cfgs = generate_default_cfgs({
    "$identifier": {
        "file": str(WEIGHTS) if WEIGHTS.is_file() else "",
        "input_size": (3, *IMG_SIZE),
        "num_classes": NUM_CLASSES,
        "mean": $mean,
        "std": $std,
        "interpolation": "$interpolation",
        "crop_pct": $crop_pct,
        "pool_size": None,
        "fixed_input_size": False,
        "first_conv": "$first_conv",
        "classifier": "head.fc",
    }
})


@register_model
def $identifier(pretrained=None, **kwargs):
    """Build the model; pretrained: whether to read the weights, by default if they are there."""
    if pretrained is None:
        pretrained = WEIGHTS.is_file()
    features = {"out_indices": tuple(range(len(SPEC.stages))), "feature_cls": "getter"}
    return build_model_with_cfg(
        partial(vitspace.build, SPEC), "$identifier", pretrained, feature_cfg=features, **kwargs
    )


if __name__ == "__main__":
    model = $identifier()
    params = sum(parameter.numel() for parameter in model.parameters())
    cost = vitspace.cost(SPEC, IMG_SIZE, NUM_CLASSES)
    size = f"{IMG_SIZE[0]} x {IMG_SIZE[1]}, {NUM_CLASSES} classes"
    print(f"$identifier: {params:,} params, {cost.macs:,} multiply-adds at {size}")
''')


def module_text(model: ExportedModel, weights: str) -> str:
    """Return the file's text; ``weights`` is the name of the weights' file."""
    design = model.design
    return _TEMPLATE.substitute(
        name=printable(design.name).replace("\\", "/").replace('"', "'"),
        identifier=design.identifier,
        family=design.spec.family,
        version=__version__,
        spec=json.dumps(design.spec.to_dict(), indent=1),
        weights=weights,
        first_conv=first_conv(design.spec),
        img_size=sides(model.img_size),
        num_classes=model.network.num_classes,
        mean=tuple(model.mean),
        std=tuple(model.std),
        crop_pct=model.facts.get("crop_pct", 0.875),
        interpolation=model.facts.get("interpolation", "bicubic"),
    )
