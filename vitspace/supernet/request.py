"""What a training of shared weights is asked for, checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitspace.budget import Budget
from vitspace.errors import InputError
from vitspace.proxies.recipe import TrainingProxy, parse_proxy, with_field
from vitspace.space import Space, load_space
from vitspace.words import plural


@dataclass(frozen=True)
class SupernetRequest:
    """A training of shared weights.

    Attributes:
        space: A space's name, or a path to its .yaml.
        out: The folder.
        budget: FLOPs of the designs; empty for all designs.
        recipe: A preset of the training proxies, with fields that differ.
        data: The set; empty for the recipe's own.
        seed: Of the initial weights, the designs, the order of images and their changes.
        device: auto, cpu, cuda, cuda:1.
        resume: Go on with what the folder has.
        command: What was typed, for the record.
    """

    space: str
    out: Path
    budget: str = ""
    recipe: str = "small"
    data: str = ""
    seed: int = 0
    device: str = "auto"
    resume: bool = False
    command: str = ""

    def open_space(self) -> tuple[Space, Budget]:
        """Return the space and the budget.

        Raises:
            InputError: there is no such space or budget, or fewer than two designs fit.
        """
        space, limit = load_space(self.space), Budget.of(self.budget or None)
        space.check_budget(limit)
        designs = space.size(limit)
        if designs < 2:
            within = f" within {self.budget}" if self.budget else ""
            raise InputError(f"weights are shared by two designs at least, but {space.name} has {designs}{within}")
        return space, limit

    def open_recipe(self) -> TrainingProxy:
        """Return the recipe.

        Raises:
            InputError: there is no such preset or field, or it is one that shared weights do not have.
        """
        recipe = parse_proxy(self.recipe, **({"data": self.data} if self.data else {}))
        usual: dict[str, Any] = {"width": 1.0, "depth": 1.0, "ema": 0.0, "compile": False}
        if differing := [name for name, value in usual.items() if getattr(recipe, name) != value]:
            name = differing[0]
            other = with_field(self.recipe, name, str(usual[name]).lower())
            raise InputError(
                f"shared weights are trained with {name}={usual[name]}, but the recipe has {name}="
                f"{getattr(recipe, name)}; --recipe {other} changes it"
            )
        return recipe


def designs_in_words(space: Space, limit: Budget, within: str) -> str:
    """Say how many designs share weights."""
    return f"{plural(space.size(limit), 'design')} of {space.name}{f' within {within}' if within else ''}"
