"""The options that commands share, each defined once."""

from pathlib import Path
from typing import Any

import typer

from vitspace.errors import InputError, shown
from vitspace.image_sizes import ImageSize, parse_image_sizes

#: The sources of data.
DATA_KINDS = "fractal, digits, imagefolder:DIR, cifar10:DIR, cifar100:DIR, hf:NAME"
#: What runs networks when they are timed; repeated here, as below, and compared by a test.
BACKENDS = "eager, onnxruntime, openvino, onnxruntime-int8, openvino-int8"
#: Repeated here, as the command line starts without `vitspace.study`; a test compares the two.
DEFAULT_STORAGE = "studies.journal"


def _read_storage(text: str) -> str:
    """Return a storage, of ``@FILE`` the file's first line: so a password stands in no command line."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip().partition("\n")[0]
    except (OSError, ValueError) as error:
        raise InputError(f"a storage @FILE is a file that holds its URL, but got {shown(text)}: {error}") from None


def read_size(text: str | None) -> ImageSize | None:
    """Return the size of images that `IMG_SIZE` names; None where it is not given.

    Raises:
        InputError: it is no size, or several.
    """
    if len(found := read_sizes(text)) > 1:
        raise InputError(f"a list of image sizes is for search, space size and space draw, but got {shown(text)}")
    return found[0] if found else None


def read_sizes(text: str | None) -> list[ImageSize]:
    """Return the sizes of images that `IMG_SIZES` names; none where it is not given.

    Raises:
        InputError: one is no size, or stands there twice.
    """
    return [] if text is None else parse_image_sizes(text)


STORAGE: Any = typer.Option(
    DEFAULT_STORAGE,
    envvar="VITSPACE_STORAGE",
    callback=_read_storage,
    help="A journal file, a database URL, grpc://HOST:PORT, or @FILE that holds one of them.",
)
STUDY: Any = typer.Argument(help="A stored study.")
JSON: Any = typer.Option(False, "--json", help="Print one JSON document.")
#: For commands that write no folder by default when they print JSON.
JSON_ALONE: Any = typer.Option(False, "--json", help="Print one JSON document, and write no folder without --out.")
BUDGET: Any = typer.Option(None, help="FLOPs (multiply-adds): 4G, 3.5G..4G, 350M.")
PARAMS: Any = typer.Option(None, help="Parameters: 25M.")
DATA: Any = typer.Option(None, help=f"Data of the proxy: {DATA_KINDS}. (default: fractal)")
IMG_SIZE: Any = typer.Option(
    None, help="Side of the image in pixels, or height x width: 256, 192x256; windows follow it."
)
TASK: Any = typer.Option(
    None,
    help="What the network is for: classification, or a dense task such as semantic-fpn, at whose own size it is where "
    "--img-size gives none. (default: classification)",
)
IMG_SIZES: Any = typer.Option(
    None, help="As 256 or 192x256, windows follow it; or several, 192,224,256, of which each design has one."
)
DEVICE: Any = typer.Option("cpu", help="Where networks run: cpu, cuda, auto.")
PEERS: Any = typer.Option(
    None,
    help="Networks of timm that are timed as the designs are and shown beside them with their published top-1: default "
    "(six at most within the budget), none, or timm's names with commas between.",
)
