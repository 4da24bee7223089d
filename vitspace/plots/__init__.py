"""How we draw: styles, frames, labels, names and tables of numbers, knowing nothing of studies."""
