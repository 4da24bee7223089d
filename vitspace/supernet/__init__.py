"""Trains weights that all designs of a space share, so that thousands of designs are scored by evaluation alone."""
