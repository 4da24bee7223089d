"""Fidelity: how far each proxy may be trusted, held against published accuracies."""

from vitspace.fidelity.cards import Card, make_cards
from vitspace.fidelity.designs import Choice
from vitspace.fidelity.jobs import Job, Request, known_rows, plan, run

__all__ = ["Card", "Choice", "Job", "Request", "known_rows", "make_cards", "plan", "run"]
