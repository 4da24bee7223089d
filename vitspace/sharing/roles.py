"""The role of each tensor of a network: under which name all designs share it, and how it is cut.

A role is the part's place (stem, stage, head), its family, and the way from the part's module to the tensor, with the
class of each module that is not PyTorch's: what is of another kind at one place, as a convolution is to another
downsampling, is of another role. What joins two stages, which depends on the channels handed over, is named by both
families: that is a stage's ``downsample``, and the first block where blocks at the ends differ.

Two more things tell kinds apart: whether a convolution is grouped, and a module's attribute ``kind``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from vitspace.network import Network
from vitspace.sharing.cuts import Rules, held
from vitspace.spec import PartSpec, Spec, StageSpec


@dataclass(frozen=True)
class Shared:
    """A tensor of a network that is shared.

    Attributes:
        name: Its name in the network.
        role: Its name among the shared ones, without dots.
        shape: In the network.
        rules: How it is cut; see `vitspace.sharing.cuts`.
        trained: Whether it is a parameter, rather than drawn once and kept.
        decayed: Whether an optimiser may decay it, which it does to matrices alone.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    rules: Rules
    trained: bool
    decayed: bool = True

    @property
    def held(self) -> tuple[int, ...]:
        """The least shape of the shared tensor."""
        return held(self.shape, self.rules)


@dataclass(frozen=True)
class Place:
    """Where a part stands.

    Attributes:
        name: ``stem``, ``stage2`` or ``head``.
        family: Its family.
        before: The family of the stage before; its own for a stem, a head, and a first stage.
    """

    name: str
    family: str
    before: str

    @property
    def own(self) -> str:
        """How roles of the part begin."""
        return f"{self.name}:{self.family}"

    @property
    def join(self) -> str:
        """How roles begin of what joins the part to the one before."""
        return f"{self.name}:{self.before}>{self.family}"


def shared_of(network: Network) -> list[Shared]:
    """Return all tensors of a network that are shared; batch statistics, and what is computed, are not."""
    spec = network.spec
    parts = [(place, part, _module(network, place)) for place, part in places(spec)]
    return [shared for place, part, (prefix, module) in parts for shared in shared_of_part(place, part, module, prefix)]


def places(spec: Spec) -> Iterator[tuple[Place, PartSpec]]:
    """Yield the parts of a spec with their places."""
    families = [stage.family for stage in spec.stages]
    yield Place("stem", spec.stem.family, spec.stem.family), spec.stem
    for number, (before, stage) in enumerate(zip([families[0], *families], spec.stages, strict=False), start=1):
        yield Place(f"stage{number}", stage.family, before), stage
    yield Place("head", spec.head.family, spec.head.family), spec.head


def shared_of_part(place: Place, part: PartSpec, module: nn.Module, prefix: str = "") -> list[Shared]:
    """Return the shared tensors of one part, their names after a prefix."""
    joins = _joins(part)
    found = []
    for name, tensor, owners in _tensors(module):
        begins = place.join if joins and name.startswith(joins) else place.own
        role = "/".join([begins, *_steps(name, owners)])
        rules, trained = _rules(part.cuts, name, owners), isinstance(tensor, nn.Parameter)
        decayed = not trained or _is_decayed(name, owners)
        found.append(Shared(prefix + name, role, tuple(tensor.shape), rules, trained, decayed))
    return found


def _joins(part: PartSpec) -> str:
    """How the names begin of what depends on the channels that a part is handed, where families may differ."""
    if not isinstance(part, StageSpec):
        return ""
    return "downsample." if part.uniform else "blocks.0."


def _module(network: Network, place: Place) -> tuple[str, nn.Module]:
    if place.name.startswith("stage"):
        index = int(place.name.removeprefix("stage")) - 1
        return f"stages.{index}.", network.stages[index]
    return f"{place.name}.", getattr(network, place.name)


def _tensors(part: nn.Module) -> Iterator[tuple[str, Tensor, list[nn.Module]]]:
    """Yield name, tensor and the modules from the part to its owner, of parameters and of buffers that are drawn."""
    modules = dict(part.named_modules())
    for path, owner in modules.items():
        steps = path.split(".") if path else []
        owners = [modules[".".join(steps[:depth])] for depth in range(len(steps) + 1)]
        drawn = {} if isinstance(owner, _BatchNorm) else owner._buffers
        kept = {name: each for name, each in drawn.items() if name not in owner._non_persistent_buffers_set}
        for name, tensor in {**owner._parameters, **kept}.items():
            if tensor is not None:
                yield f"{path}.{name}" if path else name, tensor, owners


def _steps(name: str, owners: list[nn.Module]) -> list[str]:
    """The way to a tensor: the class of the part's module, and each name with the kind of what has it."""
    kinds = [_kind(module) for module in owners]
    *names, last = name.split(".")
    ways = [f"{step}:{kind}" if kind else step for step, kind in zip(names, kinds[1:], strict=True)]
    leaf = last if last in owners[-1]._parameters else f"{last}:drawn"
    return [*kinds[:1], *ways, leaf] if kinds[0] else [*ways, leaf]


def _kind(module: nn.Module) -> str:
    """What tells a module apart from others that may stand at its place."""
    own = "" if type(module).__module__.startswith("torch.nn.") else type(module).__name__
    grouped = "grouped" if isinstance(module, _ConvNd) and module.groups > 1 else ""
    return "-".join(filter(None, [own, grouped, str(getattr(module, "kind", ""))]))


def _rules(cuts: Mapping[str, Rules], name: str, owners: list[nn.Module]) -> Rules:
    """Return the rules of a tensor: its family's, or of a convolution's kernel, the middle of each side."""
    for owner, rest in _ways(name, owners):
        own = f"{type(owner).__name__}.{rest}"
        for key in (own, own.rpartition(".")[0]):  # of the tensor, or of all tensors of its module
            if key in cuts:
                return cuts[key]
    if isinstance(owners[-1], _ConvNd) and name.endswith("weight"):
        return (1, 1, *["centre"] * len(owners[-1].kernel_size))
    return ()


def _is_decayed(name: str, owners: list[nn.Module]) -> bool:
    return not any(rest in _undecayed(owner) for owner, rest in _ways(name, owners))


def _undecayed(module: nn.Module) -> set[str]:
    """The parameters that a module says are no matrices, as timm's do."""
    told = getattr(module, "no_weight_decay", None)
    return told() if callable(told) else set()


def _ways(name: str, owners: list[nn.Module]) -> Iterator[tuple[nn.Module, str]]:
    """Yield each module that holds a tensor, from the outermost, with the tensor's name in it."""
    steps = name.split(".")
    for depth, owner in enumerate(owners):
        yield owner, ".".join(steps[depth:])
