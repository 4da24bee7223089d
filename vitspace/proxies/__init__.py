"""Cheap stand-ins for full training; one file each, whose name is the proxy's. Every score is higher-better.

A proxy's file lies in one of three folders: ``training``, where it has ``open_proxy(argument, data, device, seed)``,
which returns a `Proxy`; ``scores``, for a number that needs no training; ``combinations``, for a model over such
numbers. Files that begin with an underscore are no proxies.
A package of your own registers a module with such an ``open_proxy`` by the entry-point group `vitspace.proxies`; see
`vitspace.proxies.registry` for what else it may say.
"""

from vitspace.proxies.proxy import (
    Laddered,
    Proxy,
    ProxyError,
    ProxyFault,
    Score,
    Selective,
    Settled,
    checked_score,
    rests_on,
)
from vitspace.proxies.registry import (
    CAUTION,
    COMBINATIONS,
    PROXIES,
    SCORES,
    TRAINING,
    Kind,
    canonical_name,
    kind_of,
    module_of,
    open_proxy,
    part_data,
    takes_data,
    trains,
)

__all__ = [
    "CAUTION",
    "COMBINATIONS",
    "PROXIES",
    "SCORES",
    "TRAINING",
    "Kind",
    "Laddered",
    "Proxy",
    "ProxyError",
    "ProxyFault",
    "Score",
    "Selective",
    "Settled",
    "canonical_name",
    "checked_score",
    "kind_of",
    "module_of",
    "open_proxy",
    "part_data",
    "rests_on",
    "takes_data",
    "trains",
]
