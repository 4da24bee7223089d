"""Names of designs as a reader knows them: ``msg_tiny`` is MSG-T."""

import re

from vitspace.about import all_about

_SIZES = {"xxtiny": "XXT", "xtiny": "XT", "tiny": "T", "small": "S", "base": "B", "t": "T", "s": "S"}
_CODE = re.compile(r"[a-z]\d+")


def readable_name(anchor: str) -> str:
    """Write an anchor's id as its paper does; a name that is no id stays as it is."""
    brand, *rest = anchor.split("_")
    if not rest:
        return anchor
    words = [_SIZES.get(word, word.upper() if _CODE.fullmatch(word) else word) for word in rest]
    names = {told.name.lower(): told.name for told in all_about().values()}
    return "-".join([names.get(brand, brand), *words])
