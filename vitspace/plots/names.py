"""Names of designs as a reader knows them: ``msg_tiny`` is MSG-T."""

import re

from vitspace.about import all_about

_SIZES = {"xxtiny": "XXT", "xtiny": "XT", "tiny": "T", "small": "S", "base": "B", "t": "T", "s": "S"}
_CODE = re.compile(r"[a-z]{1,2}\d+(\.\d)?")

#: Digits of a spec's id in a name.
_DIGITS = 4

#: Public networks as their papers write them; others stay as timm writes them.
_PUBLIC = {
    **{"caformer": "CAFormer", "coat_lite": "CoaT-Lite", "convformer": "ConvFormer", "convnext": "ConvNeXt"},
    **{"convnextv2": "ConvNeXtV2", "efficientvit": "EfficientViT", "fastvit": "FastViT", "gcvit": "GCViT"},
    **{"deit": "DeiT", "mambaout": "MambaOut", "mobilenetv4_conv": "MobileNetV4-Conv", "poolformer": "PoolFormer"},
    **{"pvt_v2": "PVTv2", "repvit": "RepViT", "resnet50": "ResNet-50", "shvit": "SHViT", "starnet": "StarNet"},
    **{"swin": "Swin", "tiny_vit": "TinyViT", "twins_svt": "Twins-SVT"},
}
_PUBLIC_SIZES = {"medium": "M", "large": "L"}
#: What timm's names say of sizes of patches, windows and images.
_MEASURES = re.compile(r"_(patch|window)?\d+(?=_|$)")
#: Sizes that are a decimal number, as RepViT's.
_DECIMAL = re.compile(r"(?<=_m\d)_(?=\d(_|$))")


def readable_name(anchor: str) -> str:
    """Write an anchor's id as its paper does; a name that is no id stays as it is."""
    brand, *rest = anchor.split("_")
    if not rest:
        return anchor
    names = {told.name.lower(): told.name for told in all_about().values()}
    return "-".join([names.get(brand, brand), *map(_size, rest)])


def design_name(family: str, spec_id: str, params: int | None = None) -> str:
    """Family, params and the beginning of the spec's id: ``mat-6.7M-3a45``."""
    size = [] if params is None else [f"{params / 1e6:.1f}M"]
    return "-".join([family, *size, spec_id[:_DIGITS]])


def public_name(name: str) -> str:
    """Write one of timm's networks as its paper does: ``swin_tiny_patch4_window7_224.ms_in1k`` is Swin-T."""
    plain = _MEASURES.sub("", _DECIMAL.sub(".", name.partition(".")[0]))
    brand = next((key for key in sorted(_PUBLIC, key=len, reverse=True) if f"{plain}_".startswith(f"{key}_")), "")
    if not brand:
        return plain
    words = filter(None, plain[len(brand) + 1 :].split("_"))
    return "-".join([_PUBLIC[brand], *(_PUBLIC_SIZES.get(word) or _size(word) for word in words)])


def _size(word: str) -> str:
    return _SIZES.get(word, word.upper() if _CODE.fullmatch(word) else word)
