"""Exceptions that the command line turns into one line, and values as they stand in it."""

import reprlib

#: Characters of a value in an error.
_LONGEST = 200


class InputError(ValueError):
    """A value of the user breaks a rule; the message states the rule, the value and what would be valid.

    The command line prints it as one line and exits with code 2.
    """


class UsedUpError(InputError):
    """A space has no further design within the budget."""


class FailureError(RuntimeError):
    """A valid request failed; the message says why, and what is kept.

    The command line prints it as one line and exits with code 1.
    """


class StudyFailedError(FailureError):
    """Too many trials in a row failed or exceeded the budget; the study up to then is stored."""


class StudyGoneError(StudyFailedError):
    """The study was deleted while it was worked on."""


class _Short(reprlib.Repr):
    """Writes values as `repr` does, but long, deep and wide ones in part."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 12
        self.maxstring = self.maxother = _LONGEST

    def repr_int(self, x: int, level: int) -> str:
        bits = x.bit_length()
        return repr(x) if bits < 1000 else f"a whole number of {bits} bits"


_short = _Short()


def shown(value: object) -> str:
    """Return a value as an error shows it: its repr, cut where it is long."""
    text = _short.repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def check_text(text: str, what: str) -> None:
    """Check that a text of the system, such as a name of a file, can be written and stored.

    Raises:
        InputError: it holds bytes that are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what} is text in UTF-8, but got {shown(text)}") from None
