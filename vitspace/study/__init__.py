"""The configuration of studies, their trials, and where both are stored."""
