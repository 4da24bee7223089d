"""python -m vitspace."""

from vitspace.cli import main

main()
