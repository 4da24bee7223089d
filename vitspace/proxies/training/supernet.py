"""A validation with weights that all designs of a space share; the score is the negative validation loss.

``supernet:DIR`` reads what ``vitspace supernet train`` wrote. A design's tensors are cut from the shared ones, its
batch statistics estimated anew, and it is validated on the images that the training held back: seconds a design.
``supernet:DIR,finetune=200`` trains each design 200 steps further first, by the training's recipe.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vitspace.data import Dataset
from vitspace.errors import InputError, shown
from vitspace.files import validated
from vitspace.machine.devices import check_device, seeded
from vitspace.proxies import Score
from vitspace.proxies.inherited import inherit, missing
from vitspace.proxies.recipe import TrainingProxy
from vitspace.proxies.shared_images import find_images
from vitspace.proxies.short_training import fit, validate
from vitspace.proxies.training.train import described, reference_points
from vitspace.sharing import Store
from vitspace.sharing.folder import digest, read
from vitspace.spec import Spec
from vitspace.words import plural

_NAMED = re.compile(r"supernet:[^/]+@[0-9a-f]{8}(,finetune=\d+)?")
_RULE = "shared weights are named by their folder, as supernet:DIR or supernet:DIR,finetune=200"


@dataclass(frozen=True, eq=False)
class OpenSupernet:
    """Shared weights with their data on a device: the `vitspace.proxies.Proxy` of this file.

    Attributes:
        store: The weights, on the device.
        recipe: With which they were trained.
        dataset: Their data, loaded.
        device: Where designs are validated.
        name: ``supernet:NAME@DIGEST``.
        finetune: Steps of further training of each design.
        path: The file of the weights.
        facts: What it tells of their training.
    """

    store: Store
    recipe: TrainingProxy
    dataset: Dataset
    device: torch.device
    name: str
    finetune: int
    path: Path
    facts: Mapping[str, Any]

    @property
    def space(self) -> str:
        """The space whose designs share the weights."""
        return str(self.facts["space"])

    @property
    def budget(self) -> str:
        """The limit on FLOPs of these designs; empty without."""
        return str(self.facts["budget"])

    @property
    def worst(self) -> float:
        """The loss of chance, in nats."""
        return reference_points(self.dataset).loss

    @property
    def weights(self) -> str:
        """What the shared weights are, in words."""
        trained = f"trained for {plural(self.facts['steps'], 'step')} on {self.recipe.data}"
        return f"shared weights {trained} at {self.recipe.img_size} px, seed {self.facts['seed']}"

    @property
    def rests_on(self) -> str:
        """The shared weights, in words; empty where each design is trained further, by a seed."""
        return "" if self.finetune else self.weights

    @property
    def further(self) -> TrainingProxy:
        """The recipe of a design's further training; that of the shared weights where there is none."""
        return self.recipe.model_copy(update={"steps": self.finetune, "warmup": 0}) if self.finetune else self.recipe

    def describe(self) -> dict[str, Any]:
        """Return the recipe, the shared weights and whose they are, the size of the data, chance, and the device."""
        return {
            "name": self.name,
            **self.further.model_dump(),
            **({"begins_with": self.weights} if self.finetune else {}),
            "space": self.space,
            "budget": self.budget,
            "finetune": self.finetune,
            **described(self.dataset),
            "device": str(self.device),
        }

    def refused(self, spec: Spec) -> str:
        """Say why a design has no shared weights; an empty string where it has."""
        why = missing(self.store, spec, self.recipe, len(self.dataset.classes))
        within = f" within {self.budget}" if self.budget else ""
        return (
            f"the weights of {self.name} are shared by designs of space {self.space}{within}, but {why}" if why else ""
        )

    def score(self, spec: Spec, seed: int, on_step: Callable[[int, int], None] | None = None) -> Score:
        """Validate a design with its shared weights, and return its negative validation loss.

        Args:
            spec: The design, for images of 224 pixels.
            seed: Of the further training, if there is any.
            on_step: Called after each step of it.

        Raises:
            InputError: the spec cannot be built at this image size.
            ProxyError: the store does not hold the design, or a loss is not finite.
        """
        start = time.perf_counter()
        inherited = inherit(self.store, spec, self.recipe, self.dataset)
        network: torch.nn.Module = inherited
        if self.finetune:
            with seeded(seed, self.device):
                generator = torch.Generator().manual_seed(seed)
                _, network = fit(inherited, self.further, self.dataset, generator, on_step)
        loss, accuracy = validate(network, self.recipe, self.dataset)
        details = {"accuracy": accuracy, "steps": self.finetune, "device": str(self.device)}
        return Score(-loss, time.perf_counter() - start, details)


def open_proxy(argument: str, data: str, device: str, seed: int = 0) -> OpenSupernet:
    """Return the proxy of a folder of shared weights, their data loaded.

    Args:
        argument: The folder, and perhaps ``,finetune=STEPS``.
        data: Empty, or where the images lie that the weights were trained on.
        device: See `check_device`.
        seed: Not used: the data are drawn as they were for the training.

    Raises:
        InputError: there are no such weights, data or device, or the weights are of other data or of other code.
    """
    folder, steps = _split(argument)
    file = read(folder)
    recipe = validated(TrainingProxy, file.facts["recipe"], f"{file.path} is no file of shared weights: its recipe")
    where, images = check_device(device), find_images(file.facts, recipe.data, data)
    dataset = recipe.model_copy(update={"data": images}).load(file.facts["seed"])
    if list(dataset.classes) != file.facts["classes"]:
        raise InputError(f"{images} has other classes than the data that {str(folder)!r} was trained on")
    name, facts = canonical_name(f"supernet:{argument}"), file.facts
    store = file.store.to(where).requires_grad_(False)
    return OpenSupernet(store, recipe, dataset, where, name, steps, file.path, facts)


def canonical_name(text: str, data: str = "") -> str:
    """Return the name under which scores are kept: the folder's name with a digest of its weights.

    Args:
        text: ``supernet:DIR``, or such a name.
        data: Not used: the weights say what they were trained on.

    Raises:
        InputError: the name is of no form, or there are no such weights.
    """
    if _NAMED.fullmatch(text):
        return text
    folder, steps = _split(text.partition(":")[2])
    name = f"supernet:{folder.resolve().name}@{digest(folder)}"
    return f"{name},finetune={steps}" if steps else name


def _split(argument: str) -> tuple[Path, int]:
    """Return the folder, and the steps of further training."""
    folder, _, rest = argument.partition(",")
    name, _, steps = rest.partition("=")
    if not folder or (rest and (name != "finetune" or not steps.isdecimal() or not int(steps))):
        raise InputError(f"{_RULE}, but got {shown(argument)}")
    return Path(folder).expanduser(), int(steps or 0)
