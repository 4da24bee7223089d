"""The options that commands share, each defined once."""

from typing import Any

import typer

#: The sources of data.
DATA_KINDS = "fractal, digits, imagefolder:DIR, cifar10:DIR, cifar100:DIR, hf:NAME"
#: Repeated here, as the command line starts without `vitspace.study`; a test compares the two.
DEFAULT_STORAGE = "studies.journal"

STORAGE: Any = typer.Option(DEFAULT_STORAGE, help="A journal file, a database URL, or grpc://HOST:PORT.")
STUDY: Any = typer.Argument(help="A stored study.")
JSON: Any = typer.Option(False, "--json", help="Print one JSON document.")
#: For commands that write no folder by default when they print JSON.
JSON_ALONE: Any = typer.Option(False, "--json", help="Print one JSON document, and write no folder without --out.")
BUDGET: Any = typer.Option(None, help="FLOPs (multiply-adds): 4G, 3.5G..4G, 350M.")
PARAMS: Any = typer.Option(None, help="Parameters: 25M.")
DATA: Any = typer.Option(None, help=f"Data of the proxy: {DATA_KINDS}. (default: fractal)")
DEVICE: Any = typer.Option("cpu", help="Where networks run: cpu, cuda, auto.")
