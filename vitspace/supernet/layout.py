"""Which tensors a space's designs share, at which shapes, and how they begin."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import prod

import torch
from torch import Tensor, nn

from vitspace.costs.counter import on_meta
from vitspace.machine.devices import seeded
from vitspace.proxies.recipe import TrainingProxy
from vitspace.proxies.shrinking import set_stem_stride
from vitspace.sharing import Shared, Store
from vitspace.sharing.roles import Place, shared_of_part
from vitspace.space import Space
from vitspace.spec import NATIVE_SIZE, HeadSpec, PartSpec, StageSpec, StemSpec
from vitspace.supernet.candidates import candidates, fitting
from vitspace.supernet.cases import Case, cases

#: Blocks that are looked at of a stage whose first and last differ from the others.
_PROBE = 3
_BLOCK = re.compile(r"/blocks/(\d+)(?=[:/])")


@dataclass(frozen=True)
class Module:
    """A part that is built to see its tensors, or to have them initialised.

    Attributes:
        part: It.
        case: What it stands behind, and of a stem what it stands before.
        blocks: Of a stage.
    """

    part: PartSpec
    case: Case
    blocks: int = 0

    def build(self, recipe: TrainingProxy, classes: int) -> nn.Module:
        """Return the module, on the default device."""
        part, case = self.part, self.case
        if isinstance(part, StemSpec):
            stem = part.build(part.out_dim(case.stage), 3)
            set_stem_stride(stem, part.stride, recipe.stem_stride)
            return stem
        if isinstance(part, HeadSpec):
            return part.build(case.stage.out_dim, case.stage.carry_out(case.carry), classes)
        assert isinstance(part, StageSpec)
        return part.changed(depth=self.blocks).build(case.in_dim, case.carry, [0.0] * self.blocks)


@dataclass
class Layout:
    """The shared tensors.

    Attributes:
        recipe: Of the training.
        classes: Of the classifier.
        shapes: By role.
        drawn: The roles that are not trained.
        undecayed: The roles that are no matrices.
        largest: By role, the module that has its largest tensor, with its name in it.
    """

    recipe: TrainingProxy
    classes: int
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    undecayed: set[str] = field(default_factory=set)
    largest: dict[str, tuple[Module, Shared]] = field(default_factory=dict)

    def add(self, shared: Shared, module: Module) -> None:
        """Make room for a tensor."""
        role, shape = shared.role, shared.held
        known = self.shapes.get(role, shape)
        self.shapes[role] = tuple(map(max, known, shape))
        if role not in self.largest or prod(shape) > prod(self.largest[role][1].held):
            self.largest[role] = module, shared
        if not shared.trained:
            self.drawn.add(role)
        if not shared.decayed:
            self.undecayed.add(role)

    @property
    def params(self) -> int:
        """Numbers that are trained."""
        return sum(prod(shape) for role, shape in self.shapes.items() if role not in self.drawn)


def lay_out(space: Space, macs: tuple[float, float], recipe: TrainingProxy, classes: int) -> Layout:
    """Return the tensors that the designs of a space share.

    Args:
        space: The space.
        macs: Range of the designs' multiply-adds.
        recipe: Of the training, which decides the image and so windows, grids and patches.
        classes: Of the classifier.
    """
    layout, steps = Layout(recipe, classes), cases(space, macs)
    strides = {case.end.stride for case in steps[0] if isinstance(case.end, StemSpec)}
    ratios = [recipe.img_size / NATIVE_SIZE * stride / recipe.stem_stride for stride in strides]
    for number, found in enumerate(steps, start=1):
        for module, shared in _of_ends(found, layout):
            layout.add(shared, module)
        for group in _by_families(found):
            for module, shared in _of_stages(group, ratios, number, layout):
                layout.add(shared, module)
    return layout


def begin(layout: Layout, seed: int) -> Store:
    """Return the store with initial weights: each tensor as its network draws it, at its largest.

    What lies beyond that network's tensor is drawn with its mean and standard deviation.
    """
    store = Store(layout.shapes, layout.drawn, layout.undecayed)
    wanted: dict[Module, dict[int, list[tuple[str, Shared]]]] = {}
    for role, (module, shared) in layout.largest.items():
        block = _BLOCK.search(role)
        wanted.setdefault(module, {}).setdefault(int(block[1]) if block else 0, []).append((role, shared))
    with seeded(seed, torch.device("cpu")):
        for module, copies in wanted.items():
            for roles in copies.values():
                made = module.build(layout.recipe, layout.classes)
                tensors = {**dict(made.named_parameters()), **dict(made.named_buffers())}
                for role, shared in roles:
                    _fill(store, replace(shared, role=role), tensors[shared.name])
    return store


def _fill(store: Store, shared: Shared, value: Tensor) -> None:
    whole = store.tensors[shared.role]
    if prod(shared.held) < whole.numel():
        with torch.no_grad():
            whole.normal_(float(value.detach().mean()), float(value.detach().std(correction=0)))
    store.put([shared], {shared.name: value})


def _of_ends(found: Iterable[Case], layout: Layout) -> Iterator[tuple[Module, Shared]]:
    """Yield the tensors of stems or heads."""
    seen = set()
    for case in found:
        if case.end is None:
            continue
        carry = case.stage.carry_out(case.carry) if case.end.kind == "head" else None
        key = case.end, case.stage.dim, case.stage.out_dim, carry
        if key not in seen:
            seen.add(key)
            place = Place(case.end.kind, case.end.family, case.end.family)
            yield from _tensors(Module(case.end, case), place, layout)


def _by_families(found: Iterable[Case]) -> list[list[Case]]:
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in found:
        groups.setdefault((case.stage.family, case.before), []).append(case)
    return list(groups.values())


def _of_stages(group: list[Case], ratios: list[float], number: int, layout: Layout) -> Iterator[tuple[Module, Shared]]:
    """Yield the tensors of the stages of one family behind one family, of all their blocks."""
    place = Place(f"stage{number}", group[0].stage.family, group[0].before)
    depth, uniform = max(case.depth for case in group), group[0].stage.uniform
    blocks = 1 if uniform else min(depth, _PROBE)
    small = {
        replace(case, stage=stage, carry=fitting(case.carry, stage), depth=0, end=None): None
        for case in candidates(group)
        for stage in (case.stage.rescaled(ratio) for ratio in ratios)
    }
    for case in small:
        for module, shared in _tensors(Module(case.stage, case, blocks), place, layout):
            yield module, shared
            block = _BLOCK.search(shared.role)
            if block and (uniform or int(block[1]) > 0):
                for index in range(1, depth):
                    role = _BLOCK.sub(f"/blocks/{index}", shared.role, count=1)
                    yield module, replace(shared, role=role)


def _tensors(module: Module, place: Place, layout: Layout) -> Iterator[tuple[Module, Shared]]:
    with on_meta():
        made = module.build(layout.recipe, layout.classes)
    for shared in shared_of_part(place, module.part, made):
        yield module, shared
