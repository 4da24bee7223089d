"""A step of shared weights: the largest design by the labels, the smallest and two drawn ones by what the largest says.

The sandwich rule and distillation in place of Yu et al., "BigNAS: Scaling Up Neural Architecture Search with Big
Single-Stage Models", ECCV 2020.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from timm.loss import SoftTargetCrossEntropy
from torch import Tensor, nn

from vitspace.costs.counter import on_meta
from vitspace.fitting import Batch, Fitting
from vitspace.network import Network
from vitspace.proxies.recipe import TrainingProxy
from vitspace.proxies.short_training import make_fitting
from vitspace.proxies.shrinking import make_network
from vitspace.sharing import Store
from vitspace.sharing.store import call
from vitspace.spec import Spec

#: Designs of a step, and those of them that are drawn.
DESIGNS, DRAWN = 4, 2


class Sandwich:
    """The store in training.

    Args:
        store: On its device.
        recipe: Of the training.
        classes: Of the classifier.
        agree: See `Fitting`.

    Attributes:
        fitting: Its optimiser and schedule.
    """

    def __init__(
        self,
        store: Store,
        recipe: TrainingProxy,
        classes: int,
        agree: Callable[[Sequence[Tensor]], None] | None = None,
    ) -> None:
        self.store, self.recipe, self.classes = store, recipe, classes
        plain = make_fitting(store, recipe)
        self.fitting: Fitting = replace(plain, criterion=_ByTarget(plain.criterion), forward=self._run, agree=agree)
        self._network: Network | None = None
        self._scores: Tensor | None = None

    def step(self, inputs: Tensor, targets: Tensor, designs: Sequence[Spec], taken: int) -> list[Tensor]:
        """Take a step down the mean loss of some designs, and return each one's share of it.

        Args:
            inputs: float32 [B, 3, H, W].
            targets: int64 [B] or, mixed, [B, classes]; of the first design, whose scores are the others' targets.
            designs: The largest first.
            taken: Steps before this one.

        Raises:
            DivergedError: the loss is no number, on the CPU.
        """
        shares = [1 / len(designs)] * len(designs)
        return self.fitting.step(self._parts(inputs, targets, designs), shares, taken)

    def _parts(self, inputs: Tensor, targets: Tensor, designs: Sequence[Spec]) -> Iterator[Batch]:
        """Yield the batch once for each design, whose turn it is then."""
        for number, design in enumerate(designs):
            self._take_turn(design)
            yield inputs, targets
            if number == 0:
                assert self._scores is not None
                targets = self._scores.detach().float().softmax(1)

    def _take_turn(self, design: Spec) -> None:
        with on_meta():
            self._network = make_network(design, self.recipe, self.classes).train()

    def _run(self, inputs: Tensor) -> Tensor:
        assert self._network is not None
        self._scores = call(self.store, self._network, inputs)
        return self._scores

    def state(self) -> dict[str, Tensor]:
        """Return the weights, and what the optimiser knows of each, by name."""
        found = {f"weight/{role}": each for role, each in self.store.tensors.items()}
        for role, parameter in self.store.named_parameters():
            known = self.fitting.optimiser.state.get(parameter, {})
            found |= {f"{name}/{role}": each for name, each in known.items()}
        return found

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from a state."""
        parameters = dict(self.store.named_parameters())
        weights = {}
        for name, each in tensors.items():
            kind, _, role = name.partition("/")
            if kind == "weight":
                weights[role] = each
            elif role in parameters:
                # The number of steps of a fused optimiser lies beside the weights, as the rest does.
                self.fitting.optimiser.state[parameters[role]][kind] = each.to(parameters[role].device)
        self.store.load_state_dict(weights)


class _ByTarget(nn.Module):
    """The recipe's loss of labels; of targets that are shares, [B, classes], their cross entropy."""

    def __init__(self, usual: nn.Module) -> None:
        super().__init__()
        self.usual, self.soft = usual, SoftTargetCrossEntropy()

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        loss: Tensor = (self.soft if targets.ndim == 2 else self.usual)(scores, targets)
        return loss
