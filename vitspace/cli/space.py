"""vitspace space: what a design space holds."""

import typer

space_app = typer.Typer(no_args_is_help=True, help="Look into design spaces.")
