"""A training of a few steps, registered as a package's entry point would be by tests/bench/engines.py."""

from vitspace.machine.devices import check_device
from vitspace.proxies.recipe import parse_proxy
from vitspace.proxies.training.train import OpenTraining


def open_proxy(argument: str, data: str, device: str, seed: int = 0) -> OpenTraining:
    """Return the proxy: four steps on images of 32 pixels."""
    few = {"img_size": 32, "steps": 4, "warmup": 1, "max_train": 400, "max_val": 200}
    recipe = parse_proxy("tiny", data=data, **few)
    return OpenTraining(recipe, recipe.load(seed), check_device(device), "few")
