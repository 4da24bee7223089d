"""Names of designs as a reader knows them: ``msg_tiny`` is MSG-T."""

import re

_BRANDS = {
    "msg": "MSG",
    "emsnet": "EMSNet",
    "mat": "MAT",
    "partialformer": "PartialFormer",
    "vt": "VT",
    "transcnn": "TransCNN",
}
_SIZES = {"xxtiny": "XXT", "xtiny": "XT", "tiny": "T", "small": "S", "base": "B", "t": "T", "s": "S"}
_CODE = re.compile(r"[a-z]\d+")


def readable_name(anchor: str) -> str:
    """Write an anchor's id as its paper does; a name that is no id stays as it is."""
    brand, *rest = anchor.split("_")
    if not rest:
        return anchor
    words = [_SIZES.get(word, word.upper() if _CODE.fullmatch(word) else word) for word in rest]
    return "-".join([_BRANDS.get(brand, brand), *words])
