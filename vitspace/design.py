"""Finds the design that a user names: a published row, a spec, or a trial of a stored study."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from vitspace.anchors import Anchor, all_anchors, anchor
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.image_sizes import ImageSize
from vitspace.plots.names import design_name
from vitspace.sized import plain
from vitspace.spec import NATIVE_SIZE, Spec
from vitspace.study.record import StudyRecord
from vitspace.study.storage import DEFAULT_STORAGE, open_storage, storage_file
from vitspace.study.store import StudyStore, study_names
from vitspace.study.trial import Trial


@dataclass(frozen=True)
class Design:
    """An architecture and its origin.

    Attributes:
        name: Its name: ``msg_tiny``, ``msg-4G-trial-12``, a file's stem or ``mat-6.7M-3a45``.
        spec: The architecture.
        anchor: Its published row, if it was named by one, or is one in its study.
        trial: The trial that evaluated it.
        record: The study of that trial.
    """

    name: str
    spec: Spec
    anchor: Anchor | None = None
    trial: Trial | None = None
    record: StudyRecord | None = None

    @property
    def img_size(self) -> ImageSize:
        """Side in pixels of the images, or (height, width), that it is for."""
        if self.record:
            return self.record.size_of(self.trial) if self.trial else self.record.img_size
        return self.anchor.resolution if self.anchor else NATIVE_SIZE

    def at(self, img_size: ImageSize | None) -> "Design":
        """Return the design for images of a size; None leaves it.

        Windows and grids of a published design, or of a study's, follow the image, since the size that it is for is
        known; those of any other spec stay as they are.

        Raises:
            InputError: it is no size of images, or a window would be larger than any may be.
        """
        if img_size is None or not (self.anchor or self.record):
            return self
        return replace(self, spec=self.spec.at(img_size, self.img_size))

    @property
    def identifier(self) -> str:
        """The name for a Python module and a timm model; neither timm nor VitSpace has a model of that name."""
        return "vitspace_" + re.sub(r"\W+", "_", self.name).strip("_").lower()


def find_design(text: str, trial: int | None = None, storage: str = DEFAULT_STORAGE) -> Design:
    """Return the design that a user names.

    Args:
        text: An anchor's id, a path to a spec's JSON, the JSON itself, or with ``trial`` a stored study.
        trial: The trial's number in the study.
        storage: Where the study is.

    Raises:
        InputError: there is no such design.
    """
    if trial is not None:
        return _of_trial(StudyStore.open(storage, text).record(), trial)
    if text not in all_anchors() and text in _stored(text, storage):
        front = ", ".join(str(each.number) for each in StudyStore.open(storage, text).record().front)
        raise InputError(f"a study's design is named by --trial N (its front: {front or 'empty'}), but got none")
    return named_design(text)


def named_design(text: str) -> Design:
    """Return the design of an anchor's id, a path to a spec's JSON, or the JSON itself.

    Raises:
        InputError: there is no such anchor or file, the row has no spec, or the JSON is no spec.
    """
    name, spec = read_spec(text)
    return Design(name, spec, all_anchors().get(name) if text == name else None)


def read_spec(text: str) -> tuple[str, Spec]:
    """Return name and spec for an anchor's id, a path to a spec's JSON, or the JSON itself.

    Raises:
        InputError: there is no such anchor or file, the row has no spec, or the JSON is no spec.
    """
    if text.lstrip().startswith("{"):
        spec = Spec.from_json(text)
        return design_name(spec.family, spec.id, cost(spec, max(NATIVE_SIZE, spec.stride)).params), spec
    if text.endswith(".json"):
        path = Path(text)
        if not path.is_file():
            raise InputError(f"a path ending in .json is a file, but there is none at {text!r}")
        try:
            return path.stem, Spec.from_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read: {error}") from None
    try:
        row = anchor(text)
    except InputError as error:
        raise InputError(f"{error}; a spec is a path ending in .json") from None
    if row.spec is None:
        raise InputError(f"anchor {text!r} has no spec: {row.unreproduced or 'it is a peer'}")
    return row.id, row.spec


def _of_trial(record: StudyRecord, number: int) -> Design:
    trials = {trial.number: trial for trial in record.trials}
    if number not in trials:
        known = f"0 to {max(trials)}" if trials else "(none ended yet)"
        raise InputError(f"a trial of {record.name} is {known}, but got {number}")
    trial = trials[number]
    if trial.spec is None:
        raise InputError(f"trial {number} of {record.name} has no design: {trial.state}: {trial.why}")
    row = all_anchors()[trial.anchor] if trial.anchor else None
    return Design(f"{record.name}-trial-{number}", plain(trial.spec), row, trial, record)


def _stored(text: str, storage: str) -> list[str]:
    """Return the names of the stored studies if the text may be a study's name and the storage is an existing file."""
    file = storage_file(storage)
    if text.endswith(".json") or text.lstrip().startswith("{") or file is None or not file.is_file():
        return []
    return study_names(open_storage(storage, create=False))
