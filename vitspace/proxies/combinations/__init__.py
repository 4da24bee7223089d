"""Combinations: models over training-free scores; one file each, whose name is the combination's."""
