"""Studies: their configuration, their trials, and where both are stored."""
