"""How far each proxy may be trusted: its scores of published designs beside their published accuracies."""
