"""Training: a design in full, by its paper's recipe; resumable, on one device or under torchrun on several."""

from vitspace.training.plan import Plan, Wishes
from vitspace.training.recipe import Recipe, load_recipe, recipe_names
from vitspace.training.run import Monitor, Request, train

__all__ = ["Monitor", "Plan", "Recipe", "Request", "Wishes", "load_recipe", "recipe_names", "train"]
