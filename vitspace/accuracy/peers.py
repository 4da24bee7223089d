"""Networks of timm that people deploy, with their published top-1, beside which a front is seen."""

import difflib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

import timm
from timm.utils.model import reparameterize_model
from torch import nn

from vitspace.accuracy.recipes import USUAL, recipe_of
from vitspace.accuracy.table import Row, published
from vitspace.cache import load, store
from vitspace.costs.counter import count_network, on_meta
from vitspace.errors import InputError, shown
from vitspace.sources import sources_of

DEFAULT, NONE = "default", "none"
#: Of each series by default the largest network within the limits.
SERIES = (
    ("mobilenetv4_conv_small", "mobilenetv4_conv_medium", "mobilenetv4_conv_large"),
    ("efficientvit_b0", "efficientvit_b1", "efficientvit_b2", "efficientvit_b3"),
    ("repvit_m0_9", "repvit_m1_1", "repvit_m1_5", "repvit_m2_3"),
    ("fastvit_t8", "fastvit_t12", "fastvit_sa12", "fastvit_sa24", "fastvit_sa36"),
    ("convnext_femto", "convnext_pico", "convnext_nano", "convnext_tiny", "convnext_small", "convnext_base"),
    ("swin_tiny_patch4_window7_224", "swin_small_patch4_window7_224", "swin_base_patch4_window7_224"),
)
#: The smallest share of the limit on FLOPs that a network has by default, and by how much its images may be larger or
#: smaller than the designs'.
LEAST_SHARE, SIZE_RATIO = 0.1, 1.15
#: Of entries of the cache.
_KIND = "counted peers"
#: Names that an error holds at most.
_NAMED = 4


@dataclass(frozen=True)
class Peer:
    """A network of timm, as it is deployed: branches that only training has are merged.

    Attributes:
        name: timm's name, with the tag of the weights that the top-1 is of; without one where none is known.
        img_size: Side in pixels of the images that the top-1 is of, and that it is counted and timed for.
        params: Number.
        macs: Multiply-adds.
        top1: Published ImageNet-1k top-1, %; None where we know none.
        recipe: Class of the recipe, see `vitspace.accuracy.recipes`; empty where no tag is known.
        source: Where its top-1 stands.
    """

    name: str
    img_size: int
    params: int
    macs: int
    top1: float | None = None
    recipe: str = ""
    source: str = ""

    @property
    def like_for_like(self) -> bool:
        """Whether its top-1 is of the usual recipe, as estimates are."""
        return self.top1 is not None and self.recipe == USUAL


def check_peers(text: str) -> None:
    """Check what `find_peers` is asked for.

    Raises:
        InputError: timm has no network, or no weights, of one of the names.
    """
    if text not in (DEFAULT, NONE):
        for name in _names(text):
            _check(name)


def find_peers(text: str, img_size: int, most_macs: float, most_params: float = math.inf) -> list[Peer]:
    """Return the networks of a text by FLOPs.

    Args:
        text: ``default``, ``none``, or timm's names with commas between.
        img_size: Of several published results of a network, that of the usual recipe nearest to this size is taken.
        most_macs: Multiply-adds of the default ones at most.
        most_params: Parameters of the default ones at most.

    Raises:
        InputError: as `check_peers`.
    """
    check_peers(text)
    if text == NONE:
        return []
    if text != DEFAULT:
        return _ordered(_peer(name, img_size) for name in _names(text))
    found = [_largest(names, img_size, most_macs, most_params) for names in SERIES]
    return _ordered(peer for peer in found if peer)


def deployed(name: str) -> nn.Module:
    """Return a network of timm without its weights, branches merged as far as timm merges them, for evaluation."""
    network = timm.create_model(name.partition(".")[0]).eval()
    merged: nn.Module = reparameterize_model(network)
    return merged


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",")))


def _check(name: str) -> None:
    architecture, _, tag = name.partition(".")
    if architecture not in _architectures():
        near = _nearest(architecture, _architectures())
        raise InputError(f"a peer is a network of timm, but got {shown(name)}; the nearest are {near}")
    config = timm.get_pretrained_cfg(architecture)
    if config and not config.num_classes:
        raise InputError(f"a peer classifies images, but got {shown(name)}, whose weights have no classes")
    if tag and name not in (tags := timm.list_pretrained(f"{architecture}.*")):
        has = f"those of {architecture} are {_nearest(name, tags)}" if tags else f"{architecture} has none"
        raise InputError(f"a peer's tag is of weights that timm has, but got {shown(name)}; {has}")


@cache
def _architectures() -> frozenset[str]:
    """Return the names of timm's own networks; ours are registered there, too."""
    own = (name for name in timm.list_models() if timm.models.model_entrypoint(name).__module__.startswith("timm."))
    return frozenset(own)


def _nearest(name: str, names: Iterable[str]) -> str:
    """List the names that begin as one does, or are written much like it."""

    def likeness(other: str) -> float:
        prefix = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False)))
        return max(prefix / max(1, len(name)), difflib.SequenceMatcher(None, name, other).ratio())

    return ", ".join(sorted(names, key=lambda other: (-likeness(other), other))[:_NAMED])


@cache
def _peer(name: str, img_size: int) -> Peer:
    row = _row(name, img_size)
    if row:
        size = row.img_size
        counted = _counted(name, size)
        return Peer(row.name, size, *counted, row.top1, row.recipe, row.source)
    config = timm.get_pretrained_cfg(name)
    size = int(config.input_size[-1]) if config else img_size
    return Peer(name, size, *_counted(name, size), recipe=recipe_of(name) if "." in name else "")


def _row(name: str, img_size: int) -> Row | None:
    """Return the published result of a network, or of all that its name has the nearest to the usual recipe."""
    rows = [row for row in published() if row.public and name in (row.name, row.name.partition(".")[0])]
    return min(rows, key=lambda row: (row.recipe != USUAL, abs(row.img_size - img_size), -row.top1), default=None)


def _counted(name: str, img_size: int) -> tuple[int, int]:
    """Return params and multiply-adds as our counter counts them; counted on the meta device once on a machine."""
    facts = {"network": name.partition(".")[0], "img_size": img_size, "timm": timm.__version__}
    key = json.dumps(facts | {"sources": sources_of(__name__)}, sort_keys=True)
    known = load(_KIND, key)
    if not known:
        with on_meta():
            network = deployed(name)
        found = count_network(network, 3, img_size, img_size)
        known = {key: {"params": found.params, "macs": found.macs}}
        store(_KIND, known)
    return known[key]["params"], known[key]["macs"]


def _largest(names: Iterable[str], img_size: int, most_macs: float, most_params: float) -> Peer | None:
    """Return the network of most FLOPs within the limits; merged branches only make it smaller."""
    rows = [row for name in names if (row := _row(name, img_size))]
    fits = [row for row in rows if LEAST_SHARE * most_macs <= row.cost.macs <= most_macs]
    fits = [row for row in fits if row.cost.params <= most_params]
    fits = [row for row in fits if 1 / SIZE_RATIO <= row.img_size / img_size <= SIZE_RATIO]
    return _peer(max(fits, key=lambda row: row.cost.macs).name, img_size) if fits else None


def _ordered(peers: Iterable[Peer]) -> list[Peer]:
    return sorted({peer.name: peer for peer in peers}.values(), key=lambda peer: peer.macs)
