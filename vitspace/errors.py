"""Exceptions that the command line turns into one line."""


class InputError(ValueError):
    """A value the user gave breaks a rule; the message states the rule, the value and what would be valid.

    The command line prints it as one line and exits with code 2.
    """


class UsedUpError(InputError):
    """A space holds no further design within the budget."""


class FailureError(RuntimeError):
    """What was asked for rightly could not be done; the message says why, and what is kept.

    The command line prints it as one line and exits with code 1.
    """


class StudyFailedError(FailureError):
    """Trial after trial failed or missed the budget; the study as far as it went is stored."""


class StudyGoneError(StudyFailedError):
    """The study was deleted while it was worked on."""
