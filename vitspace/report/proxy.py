"""The proxy of a stored study, as it was asked for and by its full name."""

from vitspace.errors import InputError
from vitspace.proxies import PROXIES, canonical_name
from vitspace.study.record import StudyRecord


def proxy_name(record: StudyRecord) -> str:
    """The name under which the proxy's scores are kept, ``train:tiny``, with its data where they are not its own."""
    name, data = typed(record)
    if name in PROXIES:  # without a preset
        return name
    try:
        return canonical_name(name, data)
    except InputError:  # of another package, which is not installed here
        return name


def typed(record: StudyRecord) -> tuple[str, str]:
    """The proxy as it was asked for, of halving the highest rung, and its data where the name does not hold them."""
    proxy = record.resolved.get("proxy") or {}
    proxy = (proxy.get("rungs") or [proxy])[-1]
    name = str(proxy.get("name", record.config.proxy))
    return name, "" if "data=" in name else str(proxy.get("data") or "")
