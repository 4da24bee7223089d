"""Options that several commands share."""

import typer

STORAGE = typer.Option("studies.journal", help="A journal file, a database URL, or grpc://HOST:PORT.")
JSON = typer.Option(False, "--json", help="Print one JSON document.")
