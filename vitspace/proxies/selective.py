"""Refuses a proxy that does not know the designs of a space, before any is scored."""

from vitspace.budget import ANY, Budget
from vitspace.errors import InputError
from vitspace.proxies.proxy import Proxy, Selective
from vitspace.space import Space


def check_knows(proxy: Proxy, space: Space, macs: tuple[float, float] = ANY) -> None:
    """Check that a proxy scores the smallest and the largest design of a space within a range of multiply-adds.

    Raises:
        InputError: it does not, or no design lies within.
    """
    if not isinstance(proxy, Selective):
        return
    for spec in space.ends(Budget(macs)):
        if why := proxy.refused(spec.written_at(space.resolution)):
            raise InputError(why)
