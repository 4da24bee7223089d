"""The images that shared weights were trained on, which are known by their files wherever these lie."""

import logging
from collections.abc import Mapping
from typing import Any

from vitspace.data import identity, located
from vitspace.errors import InputError, shown

_log = logging.getLogger(__name__)


def told(data: str) -> dict[str, str]:
    """Return what shared weights tell of the data that they are trained on.

    Raises:
        InputError: there are no such data.
    """
    return {"images": identity(data), "images_at": located(data)}


def find_images(facts: Mapping[str, Any], typed: str, data: str) -> str:
    """Return the data on which shared weights are validated.

    Args:
        facts: What the weights tell.
        typed: The data as they were typed for the training.
        data: The data as they are typed now; empty looks where the images lay.

    Raises:
        InputError: they are other data, or lie there no more.
    """
    if not (images := facts.get("images")):
        if data and data != typed:
            _log.warning(
                "whether %s are the images of these shared weights is unknown: weights this old tell none", data
            )
        return data or typed
    if data:
        if identity(data) != images:
            raise InputError(
                f"shared weights are validated on the images that they were trained on, those of {typed}, but those of "
                f"{shown(data)} are others"
            )
        return data
    lay = facts.get("images_at", typed)
    if place := next((place for place in (typed, lay) if _holds(place, images)), None):
        return place
    raise InputError(
        f"the images of these shared weights are no longer in {shown(lay)}: put them or a link there; a search takes "
        "them from elsewhere by --data"
    )


def _holds(data: str, images: str) -> bool:
    try:
        return identity(data) == images
    except InputError:
        return False
