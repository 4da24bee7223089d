"""The one exception for what a user wrote."""


class InputError(ValueError):
    """A value the user gave breaks a rule; the message states the rule, the value and what would be valid.

    The command line prints it as one line and exits with code 2.
    """
