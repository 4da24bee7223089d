"""The proxy of a stored study, as it was asked for and by its full name."""

from vitspace.proxies.names import scores_name
from vitspace.proxies.names import typed as typed_name
from vitspace.study.record import StudyRecord


def proxy_name(record: StudyRecord) -> str:
    """The name under which the proxy's scores are kept, ``train:tiny``, with its data where they are not its own."""
    return scores_name(record.resolved.get("proxy") or {}, record.config.proxy)


def typed(record: StudyRecord) -> tuple[str, str]:
    """The proxy as it was asked for, of halving the highest rung, and its data where the name does not hold them."""
    return typed_name(record.resolved.get("proxy") or {}, record.config.proxy)
