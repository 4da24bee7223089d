"""The name under which a proxy's scores are kept, in the tables of scores and on report cards."""

from collections.abc import Mapping
from typing import Any

from vitspace.errors import InputError
from vitspace.proxies.registry import PROXIES, canonical_name


def typed(described: Mapping[str, Any], asked: str) -> tuple[str, str]:
    """Return a proxy's name, of halving that of the highest rung, and its data where the name does not hold them.

    Args:
        described: Its record; see `Proxy.describe`.
        asked: What was asked for, where there is no record.
    """
    proxy = (described.get("rungs") or [described])[-1]
    name = str(proxy.get("name", asked))
    return name, "" if "data=" in name else str(proxy.get("data") or "")


def scores_name(described: Mapping[str, Any], asked: str) -> str:
    """Return the name under which scores are kept: ``train:tiny``, with the data where they are not its own."""
    name, data = typed(described, asked)
    if name in PROXIES:  # without a preset
        return name
    try:
        return canonical_name(name, data)
    except InputError:  # of another package, which is not installed here
        return name
