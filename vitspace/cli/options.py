"""The options that commands share, each defined once."""

from typing import Any

import typer

#: Kinds of data that a proxy is trained on or fed with.
DATA_KINDS = "fractal, digits, imagefolder:DIR, cifar10:DIR, cifar100:DIR, hf:NAME"
#: Named here, as the command line starts without `vitspace.study`; a test holds the two together.
DEFAULT_STORAGE = "studies.journal"

STORAGE: Any = typer.Option(DEFAULT_STORAGE, help="A journal file, a database URL, or grpc://HOST:PORT.")
STUDY: Any = typer.Argument(help="A stored study.")
JSON: Any = typer.Option(False, "--json", help="Print one JSON document.")
#: Of commands that write a folder only where they print for a reader, or are told where.
JSON_ALONE: Any = typer.Option(False, "--json", help="Print one JSON document, and write no folder without --out.")
BUDGET: Any = typer.Option(None, help="FLOPs (multiply-adds): 4G, 3.5G..4G, 350M.")
PARAMS: Any = typer.Option(None, help="Parameters: 25M.")
DATA: Any = typer.Option(None, help=f"What the proxy is fed: {DATA_KINDS}. (default: fractal)")
DEVICE: Any = typer.Option("cpu", help="Where networks run: cpu, cuda, auto.")
