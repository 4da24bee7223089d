"""The proxies by name: those of our folders, and those that other packages register.

A proxy's file says what must be known of it before it is opened, where it differs from the usual: `TRAINS` whether it
trains its designs, True; `TAKES_DATA` whether it loads data, as `TRAINS`; `RUNGS` whether it is a `Laddered` one, which
is judged by its rungs, False. It may have ``canonical_name(text, data)``, the name under which its scores are kept, and
``split_data(text)``, which parts the data from a name.
"""

import importlib
import logging
import pkgutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from vitspace.errors import InputError, shown
from vitspace.proxies.foreign import Foreign, flag, open_foreign, pair_of, text_of
from vitspace.proxies.proxy import Proxy, ProxyFault

_log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "vitspace.proxies"
#: What is said wherever a training-free score is searched by.
CAUTION = (
    "{name} needs no training: it orders designs of equal FLOPs and params at best, and a search that maximises it "
    "stacks layers or params; `vitspace fidelity` shows how far it may be trusted"
)


def _names(folder: str) -> tuple[str, ...]:
    found = pkgutil.iter_modules([str(Path(__file__).parent / folder)])
    return tuple(info.name for info in found if not info.name.startswith("_") and not info.ispkg)


#: Names of the proxies that train, of the training-free scores, of the combinations, and of all that are ours.
TRAINING, SCORES, COMBINATIONS = _names("training"), _names("scores"), _names("combinations")
PROXIES = (*TRAINING, *COMBINATIONS, *SCORES)


@dataclass(frozen=True)
class Kind:
    """What is known of a proxy by its name.

    Attributes:
        name: The part before the colon.
        module: Whose code measures.
        point: Of another package's.
    """

    name: str
    module: str
    point: EntryPoint | None = None

    @property
    def trains(self) -> bool:
        """Whether it trains its designs."""
        return flag(self.load(), "TRAINS", True, self.told) if self.point else self.name in TRAINING

    @property
    def takes_data(self) -> bool:
        """Whether it loads data."""
        return flag(self.load(), "TAKES_DATA", self.trains, self.told) if self.point else self.trains

    @property
    def has_rungs(self) -> bool:
        """Whether it is a `Laddered` one."""
        return self.trains and flag(self.load(), "RUNGS", False, self.told)

    @property
    def told(self) -> str:
        """How errors name it."""
        return f"proxy {self.name!r}" + (f" (entry point {self.point.value!r})" if self.point else "")

    def canonical_name(self, text: str, data: str = "") -> str:
        """Return the name under which its scores are kept: with the data, where it takes some that are named."""
        own = getattr(self.load(), "canonical_name", None) if self.takes_data else None
        if own:
            return text_of(f"{self.told}: canonical_name(text, data)", own, text, data)
        return f"{text}{',' if ':' in text else ':'}data={data}" if data and self.takes_data else text

    def part_data(self, text: str) -> tuple[str, str | None]:
        """Return a name without its data, and the data, where the proxy's file can part them."""
        split = getattr(self.load(), "split_data", None)
        return pair_of(f"{self.told}: split_data(text)", split, text) if split else (text, None)

    def load(self) -> ModuleType:
        """Return the proxy's module.

        Raises:
            ProxyFault: it is another package's, and broken.
        """
        if self.point is None:
            return importlib.import_module(self.module)
        try:
            module: ModuleType = self.point.load()
        except (Exception, SystemExit) as error:  # whatever another package raises
            why = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ProxyFault(f"{self.told} cannot be loaded: {why}") from None
        return module


def kind_of(text: str) -> Kind:
    """Return what is known of the proxy that a text names.

    Raises:
        InputError: there is no such proxy.
    """
    name, registered = text.partition(":")[0], _registered(tuple(sys.path))
    if name in registered:
        return Kind(name, registered[name].module, registered[name])
    if name not in PROXIES:
        raise InputError(f"a proxy is one of {', '.join((*PROXIES, *registered))}, but got {shown(text)}")
    if name in TRAINING:
        return Kind(name, f"vitspace.proxies.training.{name}")
    return Kind(name, "vitspace.proxies.scores" if name in SCORES else "vitspace.proxies.combinations")


def trains(text: str) -> bool:
    """Whether the proxy that a text names trains its designs; one that is not installed here is taken to."""
    try:
        return kind_of(text).trains
    except InputError:
        return True


def takes_data(text: str) -> bool:
    """Whether the proxy that a text names loads data.

    Raises:
        InputError: there is no such proxy.
    """
    return kind_of(text).takes_data


def canonical_name(text: str, data: str = "") -> str:
    """Return the name under which a proxy's scores are kept, ``train:small,data=digits``; see `Kind.canonical_name`.

    Raises:
        InputError: there is no such proxy, or the name is of no form.
    """
    return kind_of(text).canonical_name(text, data)


def part_data(text: str, data: str | None = None) -> tuple[str, str | None]:
    """Return a proxy's name without its data, and the data: those given, else those in the name, else None.

    A name that holds data beside others that are given stays as it is, and `open_proxy` refuses it.

    Raises:
        InputError: the name is of no form, or is of a proxy whose rungs share their data, and holds some.
    """
    if data is not None or "data=" not in text:
        return text, data
    kind = kind_of(text)
    if kind.has_rungs:
        raise InputError(f"the rungs of {kind.name} share their data, which --data names, but got {shown(text)}")
    return kind.part_data(text) if kind.trains else (text, data)


def open_proxy(text: str, data: str, device: str, seed: int = 0) -> Proxy:
    """Return the proxy that a text names, its data loaded: ``train:small``, ``halving:tiny/small``, ``rank``.

    Raises:
        InputError: there is no such proxy, preset, data or device.
    """
    kind, argument = kind_of(text), text.partition(":")[2]
    if kind.point or kind.trains:
        module, given = kind.load(), (argument, data, device, seed)
        proxy: Proxy = open_foreign(module, kind.told, *given) if kind.point else module.open_proxy(*given)
    else:
        proxy = importlib.import_module("vitspace.proxies.training_free").open_free(kind.name, argument, data, device)
    if not kind.trains:
        _log.warning("%s", CAUTION.format(name=kind.name))
    return proxy


def module_of(proxy: Proxy) -> str:
    """Return the name of the module whose code measures."""
    return proxy.module if isinstance(proxy, Foreign) else type(proxy).__module__


@cache
def _registered(path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Return the proxies of packages on a path."""
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
