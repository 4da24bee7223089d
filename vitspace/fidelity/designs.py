"""The published designs on which proxies are judged, and a filter to choose some of them."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

from vitspace.anchors.references import ablation_pairs, ablation_rows, main_anchors, spec_of, timm_peers
from vitspace.errors import InputError, shown
from vitspace.proxies.scores import Subject
from vitspace.spec import Spec

#: Kinds of published designs; a design may be of two kinds.
KINDS = ("anchors", "ablations", "peers")


@dataclass(frozen=True)
class PublishedDesign:
    """A published design.

    Attributes:
        name: Id of its first published row.
        subject: The network that is scored.
        spec: Its spec, None for a peer.
        family: Its family; empty for a peer.
        kinds: Its kinds, of `KINDS`.
        tables: The ablation tables that contain it, ``ems 3.5``.
    """

    name: str
    subject: Subject = field(compare=False)
    spec: Spec | None = None
    family: str = ""
    kinds: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DesignFilter:
    """Chooses designs; an empty field chooses all.

    Attributes:
        families: Names of families, ``msg``.
        tables: Names of ablation tables, ``ems 3.5``.
        kinds: Kinds, of `KINDS`.

    Raises:
        InputError: a name is unknown, or no design is chosen.
    """

    families: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {
            "a family": sorted({design.family for design in designs()} - {""}),
            "an ablation table": sorted({pair.table for pair in ablation_pairs()}),
            "a kind of design": KINDS,
        }
        for (what, names), given in zip(known.items(), (self.families, self.tables, self.kinds), strict=True):
            for name in given:
                if name not in names:
                    raise InputError(f"{what} is one of {', '.join(names)}, but got {shown(name)}")
        if not any(design in self for design in designs()):
            raise InputError(f"a filter chooses at least one design, but none belongs to all of {self}")

    def __str__(self) -> str:
        return ", ".join((*self.families, *self.tables, *self.kinds))

    def __contains__(self, design: PublishedDesign) -> bool:
        in_tables = not self.tables or design.tables & set(self.tables)
        in_family = not self.families or design.family in self.families
        return bool(in_tables and in_family and (not self.kinds or design.kinds & set(self.kinds)))


@cache
def designs() -> tuple[PublishedDesign, ...]:
    """Return the anchors, the designs of the ablation pairs and timm's peers, each design once."""
    kinds: dict[str, set[str]] = defaultdict(set)
    tables: dict[str, set[str]] = defaultdict(set)
    for row in main_anchors():
        kinds[spec_of(row).id].add("anchors")
    for pair in ablation_pairs():
        for spec in pair.specs:
            kinds[spec.id].add("ablations")
            tables[spec.id].add(pair.table)
    found: dict[str, PublishedDesign] = {}
    for row in (*main_anchors(), *ablation_rows()):
        spec = spec_of(row)
        if spec.id not in found:
            subject = Subject.of_spec(spec, row.resolution)
            facts = frozenset(kinds[spec.id]), frozenset(tables[spec.id])
            found[spec.id] = PublishedDesign(row.id, subject, spec, row.family, *facts)
    peers = frozenset({"peers"})
    others = [
        PublishedDesign(row.id, Subject.of_timm(name, row.resolution), kinds=peers)
        for name, row in timm_peers().items()
    ]
    return (*found.values(), *others)
