"""The proxy of a stored study, as it was asked for and by its full name."""

from vitspace.proxies._recipe import canonical_name
from vitspace.study.record import StudyRecord


def proxy_name(record: StudyRecord) -> str:
    """The proxy's full name, ``train:tiny``, with its data where they are not the preset's."""
    name, data = typed(record)
    if not name.startswith("train:"):
        return name
    return canonical_name(name, data)


def typed(record: StudyRecord) -> tuple[str, str]:
    """The proxy as it was asked for, of halving the highest rung, and its data where the name does not hold them."""
    proxy = record.resolved.get("proxy") or {}
    proxy = (proxy.get("rungs") or [proxy])[-1]
    name = str(proxy.get("name", record.config.proxy))
    return name, "" if "data=" in name else str(proxy.get("data") or "")
