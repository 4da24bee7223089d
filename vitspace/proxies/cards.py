"""The committed report cards of the proxies, in one file beside their tables."""

import json
from functools import cache
from typing import Any

from vitspace.files import data_folder

FOLDER, FILE = "reports/fidelity", "cards.json"


@cache
def _committed_cards() -> dict[str, dict[str, Any]]:
    """Return the committed report cards by proxy, as `vitspace fidelity --json` prints them; none where none are."""
    path = data_folder(FOLDER) / FILE
    if not path.is_file():
        return {}
    return {card["proxy"]: card for card in json.loads(path.read_text(encoding="utf-8"))}


def committed_card(name: str) -> dict[str, Any] | None:
    """Return one proxy's card, or None."""
    return _committed_cards().get(name)
