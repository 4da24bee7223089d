"""Searching: everything that acts on a study, from its configuration to its report."""
