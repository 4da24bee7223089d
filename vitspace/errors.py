"""Exceptions that the command line turns into one line."""


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
