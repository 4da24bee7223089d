"""The tensors that the designs of a space share, one for each role, at the largest shape that a design has of it."""

from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from vitspace.errors import InputError
from vitspace.network import Network
from vitspace.sharing.cuts import cut, place
from vitspace.sharing.roles import Shared, shared_of


class Store(nn.Module):
    """Shared weights; its parameters are the tensors of the roles that are trained, its buffers those of the others.

    Args:
        shapes: By role.
        drawn: The roles that are not trained.
        undecayed: The roles that an optimiser does not decay, beside vectors.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], drawn: Collection[str] = (), undecayed: Collection[str] = ()
    ) -> None:
        super().__init__()
        for role, shape in shapes.items():
            if role in drawn:
                self.register_buffer(role, torch.zeros(shape))
            else:
                self.register_parameter(role, nn.Parameter(torch.zeros(shape)))
        self.undecayed = set(undecayed)

    def no_weight_decay(self) -> set[str]:
        """Return the roles that an optimiser does not decay."""
        return self.undecayed

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by role."""
        return {**self._parameters, **self._buffers}  # type: ignore[dict-item]

    def slices(self, shared: Iterable[Shared]) -> dict[str, Tensor]:
        """Return what a network takes, by its own names; gradients flow into the store.

        Raises:
            KeyError: the store has no such role.
        """
        tensors = self.tensors
        return {each.name: cut(tensors[each.role], each.shape, each.rules) for each in shared}

    def put(self, shared: Iterable[Shared], values: Mapping[str, Tensor]) -> None:
        """Write a network's tensors, by its own names, where `slices` takes them from."""
        tensors = self.tensors
        for each in shared:
            place(tensors[each.role], values[each.name], each.rules)


def call(store: Store, network: Network, x: Tensor) -> Tensor:
    """Run a network with the store's weights: [B, in_chans, H, W] -> [B, num_classes].

    Args:
        store: On the device of x.
        network: As built on the meta device. While it trains, batch statistics are the batch's.
        x: Images.
    """
    tensors = store.slices(shared_of(network))
    return functional_call(
        network, {**_statistics(network, x.device), **_constants(network, x.device), **tensors}, (x,)
    )


def with_weights(store: Store, network: Network) -> Network:
    """Give a network that was built on the meta device copies of the store's weights, on the store's device.

    Its batch statistics are not estimated yet; see `vitspace.sharing.statistics`.
    """
    tensors = {name: each.detach().clone() for name, each in store.slices(shared_of(network)).items()}
    device = next(iter(tensors.values())).device
    _constants(network, device)
    network.load_state_dict({**_statistics(network, device), **tensors}, assign=True)
    return network.to(device)


def _statistics(network: nn.Module, device: torch.device) -> dict[str, Tensor]:
    """Return batch statistics as they are before the first batch."""
    return {
        f"{path}.{name}" if path else name: torch.full_like(each, float(name == "running_var"), device=device)
        for path, module in network.named_modules()
        if isinstance(module, _BatchNorm)
        for name, each in module._buffers.items()
        if each is not None
    }


def _constants(network: Network, device: torch.device) -> dict[str, Tensor]:
    """Return what a network computes when it is built.

    Raises:
        InputError: a family makes it on whatever device is the default.
    """
    kept = network.state_dict().keys()
    constants = {name: each for name, each in network.named_buffers() if name not in kept}
    if unknown := [name for name, each in constants.items() if each.is_meta]:
        raise InputError(
            f'a family makes its constants with device="cpu", so that weights can be shared, but {unknown[0]} is not'
        )
    return {name: each.to(device) for name, each in constants.items()}
