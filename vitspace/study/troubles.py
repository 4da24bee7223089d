"""What goes wrong with a storage, in words for whoever uses it."""

from vitspace.errors import FailureError


class StorageError(FailureError):
    """A storage does not do what it is asked, in the driver's words."""


class GoneError(StorageError, KeyError):
    """What is asked for is not in the storage; Optuna's own code looks for its KeyError."""

    __str__ = Exception.__str__  # and not a key's repr


class DamagedError(StorageError):
    """A line within a journal is no record, or records are missing; the message names file, line and cure."""


class LostError(StorageError):
    """A journal was cut, replaced or deleted while it was used; the message says where what was known is kept."""
