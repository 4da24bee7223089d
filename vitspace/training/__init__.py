"""Trains a design in full, by its paper's recipe; resumable, on one device or under torchrun on several."""

from vitspace.training.plan import Overrides, Plan
from vitspace.training.recipe import Recipe, load_recipe, recipe_names
from vitspace.training.run import TrainingMonitor, TrainingRequest, train

__all__ = ["Overrides", "Plan", "Recipe", "TrainingMonitor", "TrainingRequest", "load_recipe", "recipe_names", "train"]
