"""What a training of shared weights finds in its folder: nothing, a state to go on from, or weights at their end."""

from collections.abc import Mapping
from typing import Any

from vitspace.data import identity
from vitspace.errors import InputError
from vitspace.proxies.recipe import TrainingProxy
from vitspace.sharing.folder import STATE, WEIGHTS, File, read
from vitspace.supernet.request import SupernetRequest

#: What a resumed training keeps, beside its recipe and its images.
_KEPT = ("space", "space_file", "budget", "classes", "train_images", "seed")


def finished(request: SupernetRequest) -> dict[str, Any] | None:
    """Return what is known of weights that were trained to their end, where their training is resumed.

    Raises:
        InputError: there is a training and none is resumed, none to resume, or one of other settings.
    """
    ended, begun = ((request.out / name).is_file() for name in (WEIGHTS, STATE))
    where = repr(str(request.out))
    if request.resume and not (ended or begun):
        raise InputError(f"--resume goes on with a training of shared weights, but {where} has none")
    if not request.resume and (ended or begun):
        raise InputError(
            f"shared weights are trained in a new folder, but {where} has some; --resume goes on with the same "
            "settings, --out names another folder"
        )
    if not ended:
        return None
    facts, recipe = read(request.out).facts, request.open_recipe()
    space, _ = request.open_space()
    now = {"space_file": space.config.model_dump_json(), "budget": request.budget, "seed": request.seed}
    _check_kept(request, facts, now)
    _check_recipe(request, facts, recipe)
    return facts


def unfinished(request: SupernetRequest, now: Mapping[str, Any], recipe: TrainingProxy) -> File | None:
    """Return the state to go on from, where a training is resumed.

    Args:
        request: What is asked for.
        now: What is known of the training that goes on.
        recipe: Of that training.

    Raises:
        InputError: the state is damaged, or of other settings.
    """
    if not request.resume:
        return None
    state = read(request.out, STATE)
    _check_kept(request, state.facts, {name: now[name] for name in _KEPT})
    _check_recipe(request, state.facts, recipe)
    return state


def _check_recipe(request: SupernetRequest, facts: Mapping[str, Any], recipe: TrainingProxy) -> None:
    """Check that recipe and images are those that a training began with, wherever the images lie now.

    Raises:
        InputError: they are not.
    """
    now = recipe.model_dump()
    if recipe.epochs is not None:  # which are known as steps once the images are
        now = {name: value for name, value in now.items() if name not in ("epochs", "steps")}
    if "images" in facts:
        _check_kept(request, facts, {"images": identity(recipe.data)})
        del now["data"]
    _check_kept(request, facts["recipe"], now)


def _check_kept(request: SupernetRequest, facts: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Check that what is known of a training is what it began with.

    Raises:
        InputError: something differs.
    """
    for name, value in now.items():
        if facts.get(name) != value:
            raise InputError(
                f"a resumed training keeps its {name.replace('_', ' ')}, which differs from that in "
                f"{str(request.out)!r}; --out names another folder"
            )
